"""Acknowledges the deliveries of a batch together: in one write, and up to a tag where that is possible."""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

from shop.messaging.broker import Cork, is_amqp


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
    """Acknowledges and rejects what came over a connection; together, as far as its broker can do that."""

    def __init__(self, connection: Any, errors: tuple[type[Exception], ...]) -> None:
        self._cork = Cork(connection.connection) if is_amqp(connection) else None
        self._errors = errors
        #: One a channel.
        self._open: defaultdict[Any, OpenTags] = defaultdict(OpenTags)

    def note(self, message: Any) -> None:
        """Note a delivery, before anything can go wrong with it: what is not noted may be acknowledged."""
        if self._cork:
            self._open[message.channel].add(message.delivery_tag)

    def acknowledge(self, messages: Sequence[Any]) -> None:
        """Acknowledge messages of one channel; where that is lost they come again, to the inbox."""
        channel: Any = messages[0].channel
        if not self._cork:
            self._acknowledge_without_amqp(channel, messages)
            return
        with suppress(*self._errors), self._cork:
            for tag, multiple in self._open[channel].settle([message.delivery_tag for message in messages]):
                channel.basic_ack(tag, multiple=multiple)

    def _acknowledge_without_amqp(self, channel: Any, messages: Sequence[Any]) -> None:
        with suppress(*self._errors):
            if hasattr(channel, "pgmq"):
                told = [message.delivery_info for message in messages]
                channel.pgmq.delete_batch(told[0]["pgmq_queue"], [info["pgmq_msg_id"] for info in told])
                for info in told:
                    del info["pgmq_msg_id"]  # each deletes what it knows of, in a transaction of its own
        for message in messages:
            with suppress(*self._errors):
                message.ack()

    def reject(self, message: Any, *, requeue: bool) -> None:
        """Have the broker deliver a message again, or bury it."""
        with suppress(*self._errors):
            message.reject(requeue=requeue)
            self._open[message.channel].discard(message.delivery_tag)
