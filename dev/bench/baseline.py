"""Baseline of the relay: plain py-amqp on a confirm channel, one write for each message."""

import time
from collections.abc import Sequence

import amqp

from dev.bench import messages
from dev.bench.messages import OutgoingEvent
from shop.messaging.contracts.cloudevents import CONTENT_TYPE

#: Maximum number of unconfirmed messages.
_WINDOW = 4000
#: Seconds to wait for the next confirm.
_CONFIRM_TIMEOUT = 30.0


def publish(amqp_url: str, events: Sequence[OutgoingEvent]) -> tuple[float, float]:
    """Publish all events from memory; return the seconds until the last confirm, and our CPU seconds."""
    with messages.connect(amqp_url) as connection:
        channel = connection.channel()
        channel.confirm_select()
        confirms = _Confirms(connection, channel)
        started, used = time.perf_counter(), time.process_time()
        for sent, event in enumerate(events):
            confirms.wait_until(sent - _WINDOW)
            channel.basic_publish(_message(event), messages.EXCHANGE, event.type, mandatory=True)
        confirms.wait_until(len(events))
        return time.perf_counter() - started, time.process_time() - used


class _Confirms:
    """Counter of confirmed messages. The broker confirms single ones in any order, or all up to a tag."""

    def __init__(self, connection: amqp.Connection, channel: amqp.Channel) -> None:
        self._connection = connection
        #: Highest tag confirmed with all before it, and the confirmed tags beyond it.
        self._up_to, self._beyond = 0, set[int]()
        channel.events["basic_ack"].add(self._on_ack)  # type: ignore[attr-defined]  # a set for each event

    def wait_until(self, count: int) -> None:
        while self._up_to + len(self._beyond) < count:
            self._connection.drain_events(timeout=_CONFIRM_TIMEOUT)

    def _on_ack(self, tag: int, multiple: bool) -> None:
        if not multiple:
            self._beyond.add(tag)
            return
        self._up_to = max(self._up_to, tag)
        self._beyond = {later for later in self._beyond if later > self._up_to}


def _message(event: OutgoingEvent) -> amqp.Message:
    return amqp.Message(
        event.body,
        content_type=CONTENT_TYPE,
        content_encoding="utf-8",
        application_headers={},
        delivery_mode=2,
        message_id=str(event.id),
        type=event.type,
    )
