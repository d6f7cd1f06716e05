"""Outgoing messages, their bundles, and the receipt of a published batch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby, islice
from uuid import UUID

from shop.messaging.bus.topology import EVENTS
from shop.messaging.contracts import is_replaced
from shop.messaging.contracts.cloudevents import BATCH_CONTENT_TYPE, CONTENT_TYPE, encode_batch

#: The most that SHOP_EVENTS_PER_MESSAGE may be: what a worker has in hand is so many times its prefetch.
LARGEST_BUNDLE = 100


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message to publish: to everybody who subscribed, or to one queue."""

    entry_id: int
    message_id: UUID
    type: str
    queue: str
    headers: dict[str, int]
    body: str

    @property
    def address(self) -> tuple[str, str]:
        """Exchange and routing key."""
        return ("", self.queue) if self.queue else (EVENTS.name, self.type)

    @property
    def is_mandatory(self) -> bool:
        """Whether it is an alarm if no queue takes it: a copy in an old version may be read by nobody."""
        return bool(self.queue) or not is_replaced(self.type)


def bundled(batch: Iterable[Outgoing], most: int) -> Iterator[list[Outgoing]]:
    """Put up to ``most`` neighbours of a type into a message; one with headers or a queue goes alone.

    The order stays. Under load that is most: what a run of a consumer publishes stands together in the
    outbox. A message costs the broker and whoever reads it more than the events that are in it.
    """
    for key, alike in groupby(batch, key=lambda message: (message.address, bool(message.headers))):
        (exchange, _), has_headers = key
        size = most if exchange and not has_headers else 1
        while bundle := list(islice(alike, size)):
            yield bundle


@dataclass
class Receipt:
    """What became of a batch: ids of outbox entries."""

    confirmed: set[int] = field(default_factory=set)
    #: No queue is bound to them.
    unroutable: set[int] = field(default_factory=set)


def contents_of(bundle: list[Outgoing]) -> tuple[str, str]:
    """Content type and body of the message that brings these."""
    if len(bundle) == 1:
        return CONTENT_TYPE, bundle[0].body
    return BATCH_CONTENT_TYPE, encode_batch([message.body for message in bundle])


def entry_ids(messages: Iterable[Outgoing]) -> set[int]:
    return {message.entry_id for message in messages}
