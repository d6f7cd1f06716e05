"""Inbox: exactly-once effects. The row of a consumed event commits with the consumer's effects."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from django.db import connection

from shop.messaging.consuming.registry import Consumer
from shop.messaging.contracts import Event, Reminder
from shop.messaging.errors import AlreadyConsumed, UndeclaredEvent
from shop.messaging.failpoints import Point, reach
from shop.messaging.outbox import channel
from shop.messaging.tracing import trace

#: Writes the inbox rows, and makes deferred events due: the app has consumed something about their aggregate.
#: Both take effect with the consumer's transaction.
_RECORD = """
    WITH fresh AS (
        INSERT INTO messaging_inboxentry (event_id, consumer)
        SELECT id, %s FROM unnest(%b::uuid[]) AS id
        ON CONFLICT (event_id, consumer) DO NOTHING RETURNING event_id
    ), freed AS (
        UPDATE messaging_scheduledmessage SET due_at = now()
        WHERE kind = 'parked' AND app = %s AND aggregate_id = ANY(%b) RETURNING 1
    ), notified AS (
        SELECT pg_notify(%s, %s) FROM freed LIMIT 1
    )
    SELECT event_id, (SELECT count(*) FROM notified) FROM fresh
"""


@dataclass
class Consumption:
    """Events on their way through a consumer."""

    consumer: Consumer
    events: list[Event]
    #: The inbox rows are written, in the open transaction or in one that has committed.
    recorded: bool = False
    #: Some events were left out of the effects, and are still to be consumed.
    incomplete: bool = False
    #: The event in hand, where the consumer takes them one by one.
    event: Event | None = None
    _by_aggregate: dict[UUID, Event] = field(default_factory=dict)

    @property
    def points(self) -> tuple[Point, Point]:
        """Return the failpoints before and after the commit."""
        if self.consumer.calls_outside:
            return Point.BEFORE_ANSWER_COMMIT, Point.AFTER_ANSWER_COMMIT
        return Point.BEFORE_COMMIT, Point.AFTER_COMMIT

    def record(self, *, leaving_out: Collection[UUID] = ()) -> None:
        """Write the inbox rows.

        Events that have a row are dropped. A consumer that calls the outside has acted on them already:
        it gets AlreadyConsumed.
        """
        wanted = [event for event in self.events if event.aggregate_id not in leaving_out]
        fresh = record(self.consumer, wanted)
        if not self.consumer.calls_outside:
            self.events = fresh
        elif len(fresh) < len(wanted):
            raise AlreadyConsumed(f"{self.consumer.name} has consumed these events before")
        self.recorded = True
        self.incomplete = self.consumer.calls_outside and len(wanted) < len(self.events)

    def check_declared(self, event: Event) -> None:
        """Raise UndeclaredEvent if the consumer does not declare that it publishes ``event``."""
        if not isinstance(event, Reminder) and type(event) not in self.consumer.emits:
            raise UndeclaredEvent(f"{self.consumer.name} does not declare emits={type(event).__name__}")

    def origin_of(self, event: Event) -> trace.Trace | None:
        """Return the trace that ``event`` continues; None if no consumed event caused it."""
        cause = self._cause_of(event)
        return trace.caused_by(cause.meta) if cause else None

    def _cause_of(self, event: Event) -> Event | None:
        """Return the event in hand, or the consumed event about the same aggregate."""
        if self.event or len(self.events) == 1:
            return self.event or self.events[0]
        if not self._by_aggregate:
            self._by_aggregate = {consumed.aggregate_id: consumed for consumed in self.events}
        return self._by_aggregate.get(event.aggregate_id)


def record(consumer: Consumer, events: Sequence[Event]) -> list[Event]:
    """Write the inbox rows and return the events that had none.

    It waits for a copy that is being consumed elsewhere, and skips the event if that commits.
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
    """Return the events without an inbox row, each once. Only a look: record() decides."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT event_id FROM messaging_inboxentry WHERE consumer = %s AND event_id = ANY(%b)",
            [consumer.name, [event.meta.id for event in events]],
        )
        consumed = {row[0] for row in cursor.fetchall()}
    return _first_of_each(event for event in events if event.meta.id not in consumed)


def _first_of_each(events: Iterator[Event]) -> list[Event]:
    return list({event.meta.id: event for event in events}.values())
