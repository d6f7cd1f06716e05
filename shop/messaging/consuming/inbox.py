"""Exactly-once effects: what a consumer has consumed is written in the transaction of its effects."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import connection

from shop.messaging.contracts import Event, Reminder
from shop.messaging.errors import AlreadyConsumed, UndeclaredEvent
from shop.messaging.failpoints import Point, reach
from shop.messaging.outbox import channel, unit_of_work
from shop.messaging.tracing import trace

if TYPE_CHECKING:
    from shop.messaging.consuming.registry import Consumer

#: Writes the inbox rows; and makes events due that the app parked until it consumed something about the same
#: aggregate. Both take effect with the consumer's transaction.
_RECORD = """
    WITH fresh AS (
        INSERT INTO messaging_inboxentry (event_id, consumer)
        SELECT id, %s FROM unnest(%b::uuid[]) AS id
        ON CONFLICT (event_id, consumer) DO NOTHING RETURNING event_id
    ), freed AS (
        UPDATE messaging_scheduledmessage SET due_at = now()
        WHERE kind = 'parked' AND app = %s AND aggregate_id = ANY(%b) RETURNING 1
    ), told AS (
        SELECT pg_notify(%s, %s) FROM freed LIMIT 1
    )
    SELECT event_id, (SELECT count(*) FROM told) FROM fresh
"""


@dataclass
class Consumption:
    """Events on their way through a consumer."""

    consumer: Consumer
    events: list[Event]
    #: Whether their inbox rows are written, in the open transaction or in one that has committed.
    recorded: bool = False
    #: Whether some of them were left out of the effects, and so are still to be consumed.
    incomplete: bool = False
    #: The event in hand, where the consumer takes them one by one.
    event: Event | None = None
    _by_aggregate: dict[UUID, Event] = field(default_factory=dict)

    def cause_of(self, event: Event) -> Event | None:
        """The delivered event that ``event`` follows from: the one in hand, or about the same aggregate."""
        if self.event or len(self.events) == 1:
            return self.event or self.events[0]
        if not self._by_aggregate:
            self._by_aggregate = {delivered.aggregate_id: delivered for delivered in self.events}
        return self._by_aggregate.get(event.aggregate_id)


_consumption: ContextVar[Consumption | None] = ContextVar("delivery", default=None)


@contextmanager
def consuming(delivery: Consumption) -> Iterator[None]:
    """Make ``delivery`` the one whose effects are being made."""
    token = _consumption.set(delivery)
    try:
        yield
    finally:
        _consumption.reset(token)


@contextmanager
def effects(*, but_for: Collection[UUID] = ()) -> Iterator[None]:
    """A transaction of a service's effects, what it publishes, and the inbox rows of what it consumes.

    Joins the open one, if there is one for the same purpose. Without a consumer, as in a web request
    or a command, it is atomic(). Raises AlreadyConsumed if the event was consumed meanwhile.

    Args:
        but_for: aggregates of a batch that have no effects yet; their events stay unconsumed, and the
            consumer has to raise why.
    """
    delivery = _consumption.get()
    if delivery and delivery.recorded and connection.in_atomic_block:
        yield
        return
    with unit_of_work.committed(*_points_of(delivery)):
        if delivery and not delivery.recorded:
            consumed = [event for event in delivery.events if event.aggregate_id not in but_for]
            if len(record(delivery.consumer, consumed)) < len(consumed):
                raise AlreadyConsumed(f"{delivery.consumer.name} has consumed these events before")
            delivery.recorded = True
            delivery.incomplete = len(consumed) < len(delivery.events)
        try:
            yield
        except BaseException:
            if delivery:
                delivery.recorded = False
            raise


def _points_of(delivery: Consumption | None) -> tuple[Point, Point]:
    if delivery:
        return Point.BEFORE_ANSWER_COMMIT, Point.AFTER_ANSWER_COMMIT
    return Point.BEFORE_REQUEST_COMMIT, Point.AFTER_REQUEST_COMMIT


def record(consumer: Consumer, events: Sequence[Event]) -> list[Event]:
    """Write the inbox rows and return the events that had none.

    A copy that is being consumed elsewhere is waited for: it is skipped if that commits.
    """
    ids = sorted({event.meta.id for event in events})
    aggregates = [event.aggregate_id for event in events]
    reach(Point.BEFORE_INSERT)
    with connection.cursor() as cursor:
        cursor.execute(_RECORD, [consumer.name, ids, consumer.app, aggregates, channel.CHANNEL, channel.DUE])
        fresh = {row[0] for row in cursor.fetchall()}
    reach(Point.AFTER_INSERT)
    return _first_of_each(event for event in events if event.meta.id in fresh)


def unconsumed(consumer: Consumer, events: Sequence[Event]) -> list[Event]:
    """The events without an inbox row, each once. Only a look: record() decides."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT event_id FROM messaging_inboxentry WHERE consumer = %s AND event_id = ANY(%b)",
            [consumer.name, [event.meta.id for event in events]],
        )
        consumed = {row[0] for row in cursor.fetchall()}
    return _first_of_each(event for event in events if event.meta.id not in consumed)


def _first_of_each(events: Iterator[Event]) -> list[Event]:
    return list({event.meta.id: event for event in events}.values())


def check_declared(event: Event) -> None:
    """Raise UndeclaredEvent if the consumer at work does not declare that it publishes this."""
    delivery = _consumption.get()
    if delivery and not isinstance(event, Reminder) and type(event) not in delivery.consumer.emits:
        raise UndeclaredEvent(f"{delivery.consumer.name} does not declare emits={type(event).__name__}")


def origin_of(event: Event) -> trace.Trace | None:
    """The trace that ``event`` carries on, if a consumer publishes it."""
    delivery = _consumption.get()
    cause = delivery and delivery.cause_of(event)
    return trace.caused_by(cause.meta) if cause else None
