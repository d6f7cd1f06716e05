"""What is relayed and published: events as the shop writes them, to whom they go, and if they got there."""

import contextlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import unquote, urlsplit
from uuid import UUID

import amqp

from dev.console import errors
from shipping.events import OrderShipped
from shop.ids import uuid7
from shop.messaging.contracts import Event, Meta, cloudevents
from shop.messaging.tracing import trace

#: An event that every order has, and that three contexts consume.
EVENT = OrderShipped
#: Who consumes it, by the chain's own table; the relay declares their queues and bindings.
QUEUES = ("analytics.events", "notifications.events", "orders.events")
EXCHANGE = "shop.events"
#: Seconds without any message after which those that are missing are lost.
_PATIENCE = 5.0


@dataclass(frozen=True, slots=True)
class Letter:
    """An event as it goes over the wire."""

    id: UUID
    aggregate_id: UUID
    type: str
    body: str


def write(count: int) -> list[Letter]:
    """Events of ``count`` different orders."""
    return [letter_of(_shipped()) for _ in range(count)]


def _shipped() -> OrderShipped:
    return EVENT(
        order_id=uuid7(), shipment_id=uuid7(), carrier="PostSimulator", tracking_number="EZ1000000001"
    )


def letter_of(event: Event) -> Letter:
    """``event`` as one that has just been published."""
    origin = trace.begin()
    meta = Meta(uuid7(), datetime.now(UTC), origin.correlation_id, uuid7(), origin.traceparent)
    return Letter(meta.id, event.aggregate_id, event.type, cloudevents.encode(event.with_meta(meta)))


@contextlib.contextmanager
def connect(amqp_url: str) -> Iterator[amqp.Connection]:
    """A plain AMQP connection, without kombu."""
    url = urlsplit(amqp_url)
    connection = amqp.Connection(
        host=f"{url.hostname}:{url.port}",
        userid=url.username or "guest",
        password=unquote(url.password or ""),
    )
    connection.connect()
    try:
        yield connection
    finally:
        connection.close()


def collect(amqp_url: str, count: int, sent_by: str) -> None:
    """Empty the queues, once ``count`` messages are in each; say so if some do not come."""
    with connect(amqp_url) as connection:
        channel = connection.channel()
        missing, progress = _missing(channel, count), time.monotonic()
        while any(missing.values()) and time.monotonic() - progress < _PATIENCE:
            time.sleep(0.1)
            before, missing = missing, _missing(channel, count)
            progress = progress if missing == before else time.monotonic()
        for queue, lost in missing.items():
            channel.queue_purge(queue)
            if lost:
                errors.print(f"{sent_by}: {lost} of {count} messages did not get into {queue}")


def _missing(channel: amqp.Channel, count: int) -> dict[str, int]:
    return {queue: count - depth(channel, queue) for queue in QUEUES}


def depth(channel: amqp.Channel, queue: str) -> int:
    """How many messages are ready in ``queue``."""
    declared = channel.queue_declare(queue, passive=True)
    return declared[1] if declared else 0


def average_size(letters: Sequence[Letter]) -> int:
    """The average size of a body in bytes."""
    return sum(len(letter.body.encode()) for letter in letters) // len(letters)
