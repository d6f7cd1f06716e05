"""Events for the measurements, plain AMQP connections, and the queues of the events."""

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

#: An event of every order that four contexts consume.
EVENT = OrderShipped
#: Queues of its consumers; the relay declares them with their bindings.
QUEUES = (
    "analytics.events",
    "notifications.events",
    "orders.events",
    "payments.events",
)
EXCHANGE = "shop.events"
#: Seconds without a new message after which the missing ones are lost.
_IDLE_TIMEOUT = 5.0


@dataclass(frozen=True, slots=True)
class OutgoingEvent:
    """An encoded event."""

    id: UUID
    aggregate_id: UUID
    type: str
    body: str


def make_events(count: int) -> list[OutgoingEvent]:
    """Return events of ``count`` different orders."""
    return [outgoing(_shipped()) for _ in range(count)]


def _shipped() -> OrderShipped:
    return EVENT(
        order_id=uuid7(), shipment_id=uuid7(), carrier="PostSimulator", subject_id=uuid7(), personal="A" * 88
    )


def outgoing(event: Event) -> OutgoingEvent:
    """Return ``event`` as it is published now."""
    origin = trace.begin()
    meta = Meta(uuid7(), datetime.now(UTC), origin.correlation_id, uuid7(), origin.traceparent)
    return OutgoingEvent(meta.id, event.aggregate_id, event.type, cloudevents.encode(event.with_meta(meta)))


@contextlib.contextmanager
def connect(amqp_url: str) -> Iterator[amqp.Connection]:
    """Open an AMQP connection without kombu."""
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
    """Wait for ``count`` messages in each queue, report missing ones, and empty the queues."""
    with connect(amqp_url) as connection:
        channel = connection.channel()
        missing, progress = _missing(channel, count), time.monotonic()
        while any(missing.values()) and time.monotonic() - progress < _IDLE_TIMEOUT:
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
    """Return the number of ready messages in ``queue``."""
    declared = channel.queue_declare(queue, passive=True)
    return declared[1] if declared else 0


def average_size(events: Sequence[OutgoingEvent]) -> int:
    """Return the average size of a body in bytes."""
    return sum(len(event.body.encode()) for event in events) // len(events)
