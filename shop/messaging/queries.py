"""What others may ask the kernel: the log, timelines, and what is still on its way."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.models import Count

from shop.messaging.consuming import consumers
from shop.messaging.contracts import Event, Meta, Reminder, event_type
from shop.messaging.models import DeadLetter, EventRecord, OutboxEntry, ScheduledMessage


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """An event of an aggregate's history."""

    position: int
    id: UUID
    type: str
    sequence: int
    time: datetime
    correlation_id: UUID
    causation_id: UUID | None
    data: dict[str, Any]

    @property
    def app(self) -> str:
        """Who published it."""
        return self.type.split(".")[0]

    @property
    def name(self) -> str:
        """Its name without app and version, as in ``OrderCreated``."""
        return self.type.split(".")[1]


@dataclass(frozen=True, slots=True)
class InboxGap:
    """An event that a subscribed consumer has not consumed."""

    consumer: str
    event_id: UUID
    type: str
    aggregate_id: UUID


@dataclass(frozen=True, slots=True)
class Backlog:
    """How many messages are under way, by where they wait."""

    unpublished: int
    reminders: int
    retries: int
    parked: int
    open_dead_letters: int


def timeline(aggregate_id: UUID) -> list[TimelineEntry]:
    """The history of an aggregate, oldest first."""
    fields = ("position", "id", "type", "sequence", "time", "correlation_id", "causation_id", "data")
    rows = EventRecord.objects.filter(aggregate_id=aggregate_id).order_by("sequence").values_list(*fields)
    return [TimelineEntry(*row) for row in rows]


def replay(
    *,
    types: Sequence[str] | None = None,
    consumed_by: Sequence[str] | None = None,
    chunk: int = 2000,
) -> Iterator[Event]:
    """The events of the log, by position, read in chunks: for rebuilding read models.

    Args:
        types: only these types of event.
        consumed_by: only events that have an inbox row of one of these consumers, at the time when their
            chunk is read, or that are so old that the inbox may have forgotten them.
        chunk: how many events are read at a time.
    """
    records = EventRecord.objects.order_by("position")
    if types is not None:
        records = records.filter(type__in=types)
    if consumed_by is not None:
        records = records.extra(
            where=[
                "(time < now() - %s OR EXISTS (SELECT FROM messaging_inboxentry AS inbox"
                " WHERE inbox.event_id = messaging_eventrecord.id AND inbox.consumer = ANY(%s)))"
            ],
            params=[settings.SHOP_INBOX_RETENTION, list(consumed_by)],
        )
    last = 0
    while page := list(records.filter(position__gt=last)[:chunk]):
        yield from map(as_event, page)
        last = page[-1].position


def count_events(types: Sequence[str] | None = None) -> int:
    """How many events the log holds, for progress bars."""
    records = EventRecord.objects.all()
    return (records.filter(type__in=types) if types is not None else records).count()


def event_counts() -> Iterator[tuple[UUID, str, int]]:
    """For audits: aggregate, type, and how many events of it the log holds, streamed."""
    counts = EventRecord.objects.order_by().values_list("aggregate_id", "type").annotate(n=Count("position"))
    yield from counts.iterator(chunk_size=5000)


def as_event(record: EventRecord) -> Event:
    """The event that a row of the log tells of."""
    meta = Meta(
        record.id, record.time, record.correlation_id, record.causation_id, record.traceparent or None
    )
    return event_type(record.type).model_validate(record.data).with_meta(meta)


def inbox_gaps(limit: int = 1000) -> list[InboxGap]:
    """Published events that a subscribed consumer has not consumed; when all is quiet there are none.

    It looks back as far as the inbox does, and leaves out what an operator has discarded.
    """
    subscriptions = [
        (consumer.name, consumer.event.type)
        for consumer in consumers()
        if not issubclass(consumer.event, Reminder)
    ]
    forgotten = datetime.now(UTC) - settings.SHOP_INBOX_RETENTION
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT subscribed.consumer, record.id, record.type, record.aggregate_id
            FROM unnest(%s::text[], %s::text[]) AS subscribed (consumer, type)
            JOIN messaging_eventrecord AS record USING (type)
            LEFT JOIN messaging_inboxentry AS inbox
                ON inbox.event_id = record.id AND inbox.consumer = subscribed.consumer
            WHERE inbox.id IS NULL AND record.time > %s AND NOT EXISTS (
                SELECT FROM messaging_deadletter AS letter
                WHERE letter.event_id = record.id AND letter.consumer = subscribed.consumer
                  AND letter.status = 'discarded')
            ORDER BY record.position LIMIT %s
            """,
            [*map(list, zip(*subscriptions, strict=True)), forgotten, limit],
        )
        return [InboxGap(*row) for row in cursor.fetchall()]


def backlog() -> Backlog:
    """What is under way right now; the tables asked are small, for they empty themselves."""
    kinds = ScheduledMessage.Kind
    waiting = {kind: ScheduledMessage.objects.filter(kind=kind).count() for kind in kinds}
    return Backlog(
        unpublished=OutboxEntry.objects.count(),
        reminders=waiting[kinds.REMINDER],
        retries=waiting[kinds.RETRY],
        parked=waiting[kinds.PARKED],
        open_dead_letters=DeadLetter.objects.filter(status=DeadLetter.Status.OPEN).count(),
    )
