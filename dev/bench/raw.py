"""The yardstick: plain py-amqp on a confirm channel, one write a message, confirms read as they come."""

import time
from collections.abc import Sequence

import amqp

from dev.bench import messages
from dev.bench.messages import Letter
from shop.messaging.contracts.cloudevents import CONTENT_TYPE

#: Messages under way without a confirm, at the most.
_WINDOW = 4000
#: Seconds to wait for any confirm.
_PATIENCE = 30.0


def publish(amqp_url: str, letters: Sequence[Letter]) -> tuple[float, float]:
    """Publish all from memory; return the seconds until the last is confirmed, and our CPU seconds."""
    with messages.connect(amqp_url) as connection:
        channel = connection.channel()
        channel.confirm_select()
        confirms = _Confirms(connection, channel)
        started, used = time.perf_counter(), time.process_time()
        for sent, letter in enumerate(letters):
            confirms.wait_until(sent - _WINDOW)
            channel.basic_publish(_message(letter), messages.EXCHANGE, letter.type, mandatory=True)
        confirms.wait_until(len(letters))
        return time.perf_counter() - started, time.process_time() - used


class _Confirms:
    """How many messages the broker has confirmed: one by one in any order, or all up to one."""

    def __init__(self, connection: amqp.Connection, channel: amqp.Channel) -> None:
        self._connection = connection
        #: All up to this one are confirmed, and these beyond it.
        self._up_to, self._beyond = 0, set[int]()
        channel.events["basic_ack"].add(self._on_ack)  # type: ignore[attr-defined]  # a set for each

    def wait_until(self, count: int) -> None:
        while self._up_to + len(self._beyond) < count:
            self._connection.drain_events(timeout=_PATIENCE)

    def _on_ack(self, tag: int, multiple: bool) -> None:
        if not multiple:
            self._beyond.add(tag)
            return
        self._up_to = max(self._up_to, tag)
        self._beyond = {later for later in self._beyond if later > self._up_to}


def _message(letter: Letter) -> amqp.Message:
    return amqp.Message(
        letter.body,
        content_type=CONTENT_TYPE,
        content_encoding="utf-8",
        application_headers={},
        delivery_mode=2,
        message_id=str(letter.id),
        type=letter.type,
    )
