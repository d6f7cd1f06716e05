"""Acknowledges the deliveries of a batch together: in one write, and up to a tag where that is possible."""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

from shop.messaging.bus import pgmq
from shop.messaging.bus.amqp import BufferedWriter, is_amqp


class OpenTags:
    """The deliveries over a channel that are not settled yet. Tags grow from delivery to delivery."""

    def __init__(self) -> None:
        self._tags: OrderedDict[int, None] = OrderedDict()  # a dict would take ever longer to find its first

    def add(self, tag: int) -> None:
        """Note a delivery."""
        self._tags[tag] = None

    def discard(self, tag: int) -> None:
        """Note that a delivery was rejected."""
        self._tags.pop(tag, None)

    def settle(self, tags: Sequence[int]) -> Iterator[tuple[int, bool]]:
        """Tell how to acknowledge these and no others: a tag, and whether all before it are meant as well."""
        wanted = set(tags)
        if oldest := list(self._oldest_of(wanted)):
            yield oldest[-1], True
        for tag in sorted(wanted.difference(oldest)):
            yield tag, False
        for tag in wanted:
            self.discard(tag)

    def _oldest_of(self, wanted: set[int]) -> Iterator[int]:
        """Those of them that are older than any other that is open."""
        for tag in self._tags:
            if tag not in wanted:
                return
            yield tag


class Acknowledger:
    """Acknowledges and rejects what came over any kombu transport, one delivery after the other."""

    #: Seconds after which keep() has to be called again; None if the broker needs no reminding.
    keep_every: float | None = None

    def __init__(self, errors: tuple[type[Exception], ...]) -> None:
        self._errors = errors

    def note(self, message: Any) -> None:
        """Note a delivery, before anything can go wrong with it: what is not noted may be acknowledged."""

    def acknowledge(self, messages: Sequence[Any]) -> None:
        """Acknowledge messages of one channel; where that is lost they come again, to the inbox."""
        for message in messages:
            with suppress(*self._errors):
                message.ack()

    def reject(self, message: Any, *, requeue: bool) -> None:
        """Have the broker deliver a message again, or bury it."""
        with suppress(*self._errors):
            message.reject(requeue=requeue)

    def keep(self) -> None:
        """Have what is noted and not settled delivered to nobody else meanwhile."""


class AmqpAcknowledger(Acknowledger):
    """The same over AMQP: in one write, and up to a tag where that is possible."""

    def __init__(self, connection: Any, errors: tuple[type[Exception], ...]) -> None:
        super().__init__(errors)
        self._cork = BufferedWriter(connection.connection)
        #: One a channel.
        self._open: defaultdict[Any, OpenTags] = defaultdict(OpenTags)

    def note(self, message: Any) -> None:
        self._open[message.channel].add(message.delivery_tag)

    def acknowledge(self, messages: Sequence[Any]) -> None:
        channel: Any = messages[0].channel
        with suppress(*self._errors), self._cork:
            for tag, multiple in self._open[channel].settle([message.delivery_tag for message in messages]):
                channel.basic_ack(tag, multiple=multiple)

    def reject(self, message: Any, *, requeue: bool) -> None:
        super().reject(message, requeue=requeue)
        self._open[message.channel].discard(message.delivery_tag)


class EmbeddedAcknowledger(Acknowledger):
    """The same where PostgreSQL is the broker: by one deletion.

    It delivers a message again after a visibility timeout, for it knows of no connection that would be lost;
    an event may have to wait longer than that in our hands, behind those that came with it.
    """

    def __init__(self, connection: Any, errors: tuple[type[Exception], ...]) -> None:
        super().__init__(errors)
        self.keep_every = connection.transport_options["visibility_timeout"] / 3
        self._open: set[Any] = set()

    def note(self, message: Any) -> None:
        self._open.add(message)

    def acknowledge(self, messages: Sequence[Any]) -> None:
        with suppress(*self._errors):
            pgmq.delete(messages)
        super().acknowledge(messages)
        self._open.difference_update(messages)

    def reject(self, message: Any, *, requeue: bool) -> None:
        self._open.discard(message)
        super().reject(message, requeue=requeue)

    def keep(self) -> None:
        with suppress(*self._errors):
            pgmq.keep(self._open)


def acknowledger_for(connection: Any, errors: tuple[type[Exception], ...]) -> Acknowledger:
    """The best acknowledger that the connection's transport allows."""
    if is_amqp(connection):
        return AmqpAcknowledger(connection, errors)
    if pgmq.is_embedded(connection):
        return EmbeddedAcknowledger(connection, errors)
    return Acknowledger(errors)
