"""Acknowledgement of whole batches, by the means of each transport."""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

from shop.messaging.bus import pgmq
from shop.messaging.bus.amqp import BufferedWriter, is_amqp
from shop.messaging.bus.topology import copy_to_dead_queue


class UnackedTags:
    """Delivery tags of a channel that are not acknowledged yet, in ascending order."""

    def __init__(self) -> None:
        self._tags: OrderedDict[int, None] = OrderedDict()  # finds its first key in O(1)

    def add(self, tag: int) -> None:
        """Add the tag of a delivery."""
        self._tags[tag] = None

    def discard(self, tag: int) -> None:
        """Remove the tag of a rejected delivery."""
        self._tags.pop(tag, None)

    def acknowledge(self, tags: Sequence[int]) -> Iterator[tuple[int, bool]]:
        """Remove ``tags``, and yield the fewest acknowledgements for exactly these: (tag, multiple)."""
        wanted = set(tags)
        if oldest := list(self._oldest_of(wanted)):
            yield oldest[-1], True
        for tag in sorted(wanted.difference(oldest)):
            yield tag, False
        for tag in wanted:
            self.discard(tag)

    def _oldest_of(self, wanted: set[int]) -> Iterator[int]:
        """Yield the wanted tags that are older than every other unacknowledged tag."""
        for tag in self._tags:
            if tag not in wanted:
                return
            yield tag


class KombuAcknowledger:
    """Acknowledges and rejects messages of any kombu transport, one by one."""

    #: Seconds between calls of extend_visibility(); None if the broker has no visibility timeout.
    extend_every: float | None = None

    def __init__(self, connection: Any, errors: tuple[type[Exception], ...]) -> None:
        self._connection, self._errors = connection, errors

    def note(self, message: Any) -> None:
        """Register a delivery, before anything else is done with it.

        An acknowledgement with ``multiple`` would include a delivery that is not registered.
        """

    def acknowledge(self, messages: Sequence[Any]) -> None:
        """Acknowledge messages of one channel. If the channel is lost, they are redelivered."""
        for message in messages:
            with suppress(*self._errors):
                message.ack()

    def reject(self, message: Any, *, requeue: bool) -> None:
        """Requeue or drop a message."""
        with suppress(*self._errors):
            message.reject(requeue=requeue)

    def dead_letter(self, app: str, message: Any) -> None:
        """Copy a message to the app's dead-letter queue, and acknowledge it."""
        with self._connection.channel() as channel:
            copy_to_dead_queue(channel, app, message)
        self.acknowledge([message])

    def extend_visibility(self) -> None:
        """Extend the visibility timeout of all registered, unsettled messages."""


class AmqpAcknowledger(KombuAcknowledger):
    """Acknowledges a batch over AMQP in one write, with ``multiple`` where possible."""

    def __init__(self, connection: Any, errors: tuple[type[Exception], ...]) -> None:
        super().__init__(connection, errors)
        self._writer = BufferedWriter(connection.connection)
        #: Channel -> its tags.
        self._unacked: defaultdict[Any, UnackedTags] = defaultdict(UnackedTags)

    def note(self, message: Any) -> None:
        """Register the delivery tag."""
        self._unacked[message.channel].add(message.delivery_tag)

    def acknowledge(self, messages: Sequence[Any]) -> None:
        """Acknowledge messages of one channel, in one write."""
        channel: Any = messages[0].channel
        tags = [message.delivery_tag for message in messages]
        with suppress(*self._errors), self._writer:
            for tag, multiple in self._unacked[channel].acknowledge(tags):
                channel.basic_ack(tag, multiple=multiple)

    def reject(self, message: Any, *, requeue: bool) -> None:
        """Reject a message; the broker requeues or dead-letters it."""
        super().reject(message, requeue=requeue)
        self._unacked[message.channel].discard(message.delivery_tag)

    def dead_letter(self, app: str, message: Any) -> None:
        """Reject a message: the broker moves it to the dead-letter queue, and says why in its headers."""
        self.reject(message, requeue=False)


class EmbeddedAcknowledger(KombuAcknowledger):
    """Acknowledges a batch on the embedded broker by one DELETE.

    PGMQ redelivers a message after its visibility timeout, for it has no connections to lose. An event may
    wait longer than that in a worker, behind the others of its prefetch.
    """

    def __init__(self, connection: Any, errors: tuple[type[Exception], ...]) -> None:
        super().__init__(connection, errors)
        self.extend_every = connection.transport_options["visibility_timeout"] / 3
        self._unacked: set[Any] = set()

    def note(self, message: Any) -> None:
        """Register a message whose visibility timeout has to be extended."""
        self._unacked.add(message)

    def acknowledge(self, messages: Sequence[Any]) -> None:
        """Delete messages together."""
        with suppress(*self._errors):
            pgmq.delete(messages)
        super().acknowledge(messages)
        self._unacked.difference_update(messages)

    def reject(self, message: Any, *, requeue: bool) -> None:
        """Requeue or drop a message."""
        self._unacked.discard(message)
        super().reject(message, requeue=requeue)

    def extend_visibility(self) -> None:
        """Extend the visibility timeout of all registered, unsettled messages."""
        with suppress(*self._errors):
            pgmq.extend_visibility(self._unacked)


def acknowledger_for(connection: Any, errors: tuple[type[Exception], ...]) -> KombuAcknowledger:
    """Return the acknowledger for the connection's transport."""
    if is_amqp(connection):
        return AmqpAcknowledger(connection, errors)
    if pgmq.is_embedded(connection):
        return EmbeddedAcknowledger(connection, errors)
    return KombuAcknowledger(connection, errors)
