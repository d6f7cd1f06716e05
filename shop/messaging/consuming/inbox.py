"""Inbox: exactly-once effects by a row for each consumed event, committed with the effects."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from django.db import connection

from shop.messaging.consuming.registry import Consumer
from shop.messaging.contracts import Event, Reminder
from shop.messaging.errors import AlreadyConsumed, UndeclaredEvent
from shop.messaging.failpoints import Point, reach
from shop.messaging.outbox import channel
from shop.messaging.tracing import trace

#: Writes the inbox rows, and makes the app's deferred events about these aggregates due. Both commit with the
#: consumer's transaction. Returns how many events have no previous row, and which, unless all.
_RECORD = """
    WITH fresh AS (
        INSERT INTO messaging_inboxentry (event_id, consumer, began_at, attempts)
        SELECT id, %s, %b, coalesce(tried, 0) FROM unnest(%b::uuid[], %b::smallint[]) AS event (id, tried)
        ON CONFLICT (event_id, consumer) DO NOTHING RETURNING event_id
    ), freed AS (
        UPDATE messaging_scheduledmessage SET due_at = now()
        WHERE kind = 'parked' AND app = %s AND aggregate_id = ANY(%b) RETURNING 1
    ), notified AS (
        SELECT pg_notify(%s, %s) FROM freed LIMIT 1
    )
    SELECT count(*), CASE WHEN count(*) < %s THEN array_agg(event_id) END, (SELECT count(*) FROM notified)
    FROM fresh
"""


@dataclass
class Consumption:
    """A run of a consumer over events."""

    consumer: Consumer
    events: list[Event]
    #: Numbers of failed attempts before, of the events that have any.
    attempts: Mapping[UUID, int] = field(default_factory=dict)
    began_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    #: The inbox rows are written, in the open transaction or in one that has committed.
    recorded: bool = False
    #: Some events were left out of the effects and stay unconsumed.
    incomplete: bool = False
    #: The current event of a consumer that takes them one by one.
    event: Event | None = None
    _fresh: list[Event] = field(default_factory=list)
    _by_aggregate: dict[UUID, Event] = field(default_factory=dict)

    @property
    def points(self) -> tuple[Point, Point]:
        """Return the failpoints before and after the commit."""
        if self.consumer.calls_outside:
            return Point.BEFORE_ANSWER_COMMIT, Point.AFTER_ANSWER_COMMIT
        return Point.BEFORE_COMMIT, Point.AFTER_COMMIT

    @property
    def consumed(self) -> list[Event]:
        """Return the events whose inbox rows are written."""
        return self._fresh if self.recorded else []

    def record(self, *, leaving_out: Collection[UUID] = ()) -> None:
        """Write the inbox rows, except for events about the aggregates in ``leaving_out``.

        Events that have a row are dropped from the run.

        Raises:
            AlreadyConsumed: an event of a consumer that calls a provider has a row. The call is made already,
                so the event cannot be dropped.
        """
        wanted = [event for event in self.events if event.aggregate_id not in leaving_out]
        fresh = record(self.consumer, wanted, began_at=self.began_at, attempts=self.attempts)
        if not self.consumer.calls_outside:
            self.events = fresh
        elif len(fresh) < len(wanted):
            raise AlreadyConsumed(f"{self.consumer.name} has consumed some of these events before")
        self.recorded, self._fresh = True, fresh
        self.incomplete = self.consumer.calls_outside and len(wanted) < len(self.events)

    def check_declared(self, event: Event) -> None:
        """Raise UndeclaredEvent if the consumer does not declare that it publishes ``event``."""
        if not isinstance(event, Reminder) and type(event) not in self.consumer.emits:
            raise UndeclaredEvent(f"{self.consumer.name} does not declare emits={type(event).__name__}")

    def origin_of(self, event: Event) -> trace.Trace | None:
        """Return the trace that ``event`` continues; None if its cause is unknown."""
        cause = self._cause_of(event)
        return trace.caused_by(cause.meta) if cause else None

    def _cause_of(self, event: Event) -> Event | None:
        """Return the current event, or the one of the batch about the same aggregate."""
        if self.event or len(self.events) == 1:
            return self.event or self.events[0]
        if not self._by_aggregate:
            self._by_aggregate = {consumed.aggregate_id: consumed for consumed in self.events}
        return self._by_aggregate.get(event.aggregate_id)


def record(
    consumer: Consumer,
    events: Sequence[Event],
    *,
    began_at: datetime | None = None,
    attempts: Mapping[UUID, int] | None = None,
) -> list[Event]:
    """Write the inbox rows and return the events without a previous row, each once.

    It waits for a concurrent transaction that consumes one of them, and skips that event if it commits.
    """
    by_id = {event.meta.id: event for event in events}
    ids = sorted(by_id)
    tried = [attempts.get(id, 0) for id in ids] if attempts else None
    aggregates = [event.aggregate_id for event in events]
    reach(Point.BEFORE_INSERT)
    row = [consumer.name, began_at, ids, tried]
    with connection.cursor() as cursor:
        cursor.execute(_RECORD, [*row, consumer.app, aggregates, channel.CHANNEL, channel.DUE, len(ids)])
        [(number, some, _)] = cursor.fetchall()
    reach(Point.AFTER_INSERT)
    if number == len(by_id):
        return list(by_id.values())
    fresh = set(some or ())
    return [event for id, event in by_id.items() if id in fresh]


def unconsumed(consumer: Consumer, events: Sequence[Event]) -> list[Event]:
    """Return the events without an inbox row, each once. A hint: only record() is authoritative."""
    by_id = {event.meta.id: event for event in events}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT event_id FROM messaging_inboxentry WHERE consumer = %s AND event_id = ANY(%b)",
            [consumer.name, list(by_id)],
        )
        for (event_id,) in cursor.fetchall():
            del by_id[event_id]
    return list(by_id.values())
