"""Outgoing messages, their bundles, and the receipt of a published batch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby, islice
from uuid import UUID

from shop.messaging.bus.topology import EVENTS
from shop.messaging.contracts import is_replaced
from shop.messaging.contracts.cloudevents import BATCH_CONTENT_TYPE, CONTENT_TYPE, encode_batch

#: Maximum of SHOP_EVENTS_PER_MESSAGE. A worker holds up to that many events for each message of its prefetch.
LARGEST_BUNDLE = 100


@dataclass(frozen=True, slots=True)
class Outgoing:
    """An outbox entry to publish: to all subscribers, or to one queue."""

    entry_id: int
    message_id: UUID
    type: str
    queue: str
    headers: dict[str, int]
    body: str

    @property
    def address(self) -> tuple[str, str]:
        """Exchange and routing key of the message."""
        return ("", self.queue) if self.queue else (EVENTS.name, self.type)

    @property
    def is_mandatory(self) -> bool:
        """True if it needs a bound queue; a copy in an old version may have no reader."""
        return bool(self.queue) or not is_replaced(self.type)


def bundled(batch: Iterable[Outgoing], largest: int) -> Iterator[list[Outgoing]]:
    """Group up to ``largest`` adjacent events of one type into bundles, in order.

    A message with headers or for a single queue stays alone. A message costs the broker and the worker more
    than the events in it. Under load most events are bundled: those published by one run of a consumer are
    adjacent in the outbox.
    """
    for key, group in groupby(batch, key=lambda message: (message.address, bool(message.headers))):
        (exchange, _), has_headers = key
        size = largest if exchange and not has_headers else 1
        while bundle := list(islice(group, size)):
            yield bundle


@dataclass
class Receipt:
    """Result of publishing a batch: ids of outbox entries."""

    confirmed: set[int] = field(default_factory=set)
    #: Returned by the broker, since no queue is bound.
    unroutable: set[int] = field(default_factory=set)


def contents_of(bundle: list[Outgoing]) -> tuple[str, str]:
    """Return content type and body of a bundle's message."""
    if len(bundle) == 1:
        return CONTENT_TYPE, bundle[0].body
    return BATCH_CONTENT_TYPE, encode_batch([message.body for message in bundle])


def entry_ids(messages: Iterable[Outgoing]) -> set[int]:
    """Return the ids of the outbox entries."""
    return {message.entry_id for message in messages}
