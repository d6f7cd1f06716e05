"""Outgoing messages, their bundles, and the receipt of a published batch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from uuid import UUID

from shop.messaging.bus.topology import EVENTS
from shop.messaging.contracts import is_replaced
from shop.messaging.contracts.cloudevents import BATCH_CONTENT_TYPE, CONTENT_TYPE, encode_batch
from shop.messaging.signing.events import signed

#: Maximum of SHOP_EVENTS_PER_MESSAGE. A worker holds up to that many events for each message of its prefetch.
LARGEST_BUNDLE = 100

#: Characters from which a bundle takes no further event: far below ``SHOP_MAX_MESSAGE_BYTES``.
BUNDLE_SIZE = 100_000


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
    def signed_body(self) -> str:
        """Body with its signature, which is made anew whenever it is published."""
        return signed(self.body, self.message_id, self.type)

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
        yield from _chunks(group, largest if exchange and not has_headers else 1)


def _chunks(messages: Iterable[Outgoing], largest: int) -> Iterator[list[Outgoing]]:
    """Cut messages into lists of up to ``largest``, and up to BUNDLE_SIZE characters but for a single one."""
    chunk, size = list[Outgoing](), 0
    for message in messages:
        if chunk and (len(chunk) == largest or size + len(message.body) > BUNDLE_SIZE):
            yield chunk
            chunk, size = [], 0
        chunk.append(message)
        size += len(message.body)
    if chunk:
        yield chunk


@dataclass
class Receipt:
    """Result of publishing a batch: ids of outbox entries."""

    confirmed: set[int] = field(default_factory=set)
    #: Returned by the broker, since no queue is bound.
    unroutable: set[int] = field(default_factory=set)


def contents_of(bundle: list[Outgoing]) -> tuple[str, str]:
    """Return content type and body of a bundle's message, each event of it signed."""
    if len(bundle) == 1:
        return CONTENT_TYPE, bundle[0].signed_body
    return BATCH_CONTENT_TYPE, encode_batch([message.signed_body for message in bundle])


def entry_ids(messages: Iterable[Outgoing]) -> set[int]:
    """Return the ids of the outbox entries."""
    return {message.entry_id for message in messages}
