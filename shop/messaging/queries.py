"""What others may ask the kernel: the log, timelines, and what is still on its way."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Count

from shop.messaging import breaker
from shop.messaging.consuming import consumers
from shop.messaging.contracts import Event, Meta, Reminder, as_version, event_type, newest
from shop.messaging.ids import uuid7_at
from shop.messaging.models import Circuit, DeadLetter, EventRecord, OutboxEntry, ScheduledMessage
from shop.messaging.retention import inbox_horizon

#: What one of these consumers has consumed, or may have so long ago that its inbox forgot it. What was
#: replaced by an edited copy has an inbox row too, but they did not consume it.
_CONSUMED = """
    (EXISTS (SELECT FROM messaging_inboxentry AS inbox
             WHERE inbox.event_id = messaging_eventrecord.id AND inbox.consumer = ANY(%s))
     OR time < %s AND NOT EXISTS (
             SELECT FROM messaging_deadletter AS letter WHERE letter.event_id = messaging_eventrecord.id
             AND letter.consumer = ANY(%s) AND letter.status = 'discarded'))
    AND NOT EXISTS (
             SELECT FROM messaging_deadletter AS letter WHERE letter.event_id = messaging_eventrecord.id
             AND letter.consumer = ANY(%s) AND letter.status = 'replaced')
"""


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
class Whereabouts:
    """A message that waits."""

    aggregate_id: UUID
    type: str
    #: Whom it is for; empty for everybody.
    app: str
    #: ``outbox``, ``dead letter``, or a kind of scheduled message.
    place: str


@dataclass(frozen=True, slots=True)
class Backlog:
    """How many messages are under way, by where they wait."""

    unpublished: int
    reminders: int
    retries: int
    parked: int
    #: They wait for a consumer that is paused.
    held: int
    open_dead_letters: int


@dataclass(frozen=True, slots=True)
class PausedConsumer:
    """A consumer whose circuit is open."""

    consumer: str
    since: datetime
    next_probe: datetime
    failed_probes: int
    error: str
    held: int


def paused_consumers() -> list[PausedConsumer]:
    """The consumers that fail at everything, and how many events wait for each."""
    return [
        PausedConsumer(c.consumer, c.opened_at, c.probe_at, c.probes, c.last_error, breaker.held(c.consumer))
        for c in Circuit.objects.order_by("opened_at")
    ]


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
        types: only these types, as the log has them; the events come in their newest version.
        consumed_by: only events that have an inbox row of one of these consumers, at the time when their
            chunk is read, or that are so old that the inbox may have forgotten them and were not discarded;
            never what an operator has replaced by an edited copy.
        chunk: how many events are read at a time.
    """
    records = EventRecord.objects.order_by("position")
    if types is not None:
        records = records.filter(type__in=types)
    if consumed_by is not None:
        names = list(consumed_by)
        parameters = [names, inbox_horizon(), names, names]
        records = records.extra(where=[_CONSUMED], params=parameters)  # noqa: S610 - a constant
    last = 0
    while page := list(records.filter(position__gt=last)[:chunk]):
        yield from map(as_event, page)
        last = page[-1].position


def count_events(types: Sequence[str] | None = None) -> int:
    """How many events the log holds, for progress bars."""
    records = EventRecord.objects.all()
    return (records.filter(type__in=types) if types is not None else records).count()


def has_more_events_than(count: int) -> bool:
    """Whether the log is longer than that, without counting what is beyond."""
    return EventRecord.objects.order_by("position")[count : count + 1].exists()


def event_counts() -> Iterator[tuple[UUID, str, int]]:
    """For audits: aggregate, type, and how many events of it the log holds, streamed by aggregate.

    All versions of a fact count as the newest, each on a line of its own.
    """
    counts = EventRecord.objects.values_list("aggregate_id", "type").annotate(n=Count("position"))
    for aggregate_id, type_, count in counts.order_by("aggregate_id").iterator(chunk_size=5000):
        yield aggregate_id, newest(event_type(type_)).type, count


def as_event(record: EventRecord) -> Event:
    """The event that a row of the log tells of, in its newest version."""
    meta = Meta(
        record.id, record.time, record.correlation_id, record.causation_id, record.traceparent or None
    )
    kind = event_type(record.type)
    return as_version(kind.model_validate(record.data).with_meta(meta), newest(kind))


def inbox_gaps(limit: int = 1000) -> list[InboxGap]:
    """Published events that a subscribed consumer has not consumed; when all is quiet there are none.

    It looks back as far as the inbox does, and leaves out what an operator has discarded.
    """
    subscriptions = [
        (consumer.name, type_)
        for consumer in consumers()
        if not issubclass(consumer.event, Reminder)
        for type_ in consumer.logged_as
    ]
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT subscribed.consumer, record.id, record.type, record.aggregate_id
            FROM unnest(%s::text[], %s::text[]) AS subscribed (consumer, type)
            JOIN messaging_eventrecord AS record USING (type)
            LEFT JOIN messaging_inboxentry AS inbox
                ON inbox.event_id = record.id AND inbox.consumer = subscribed.consumer
            WHERE inbox.id IS NULL AND record.id > %s AND NOT EXISTS (
                SELECT FROM messaging_deadletter AS letter
                WHERE letter.event_id = record.id AND letter.consumer = subscribed.consumer
                  AND letter.status = 'discarded')
            ORDER BY record.position LIMIT %s
            """,
            [*map(list, zip(*subscriptions, strict=True)), uuid7_at(inbox_horizon()), limit],
        )
        return [InboxGap(*row) for row in cursor.fetchall()]


def whereabouts(aggregate_ids: Collection[UUID]) -> list[Whereabouts]:
    """The messages about these aggregates that wait somewhere in the database; not those in the broker."""
    with connection.cursor() as cursor:
        cursor.execute(_WHEREABOUTS, {"ids": list(aggregate_ids), "subject": _SUBJECT})
        return [Whereabouts(*row) for row in cursor.fetchall()]


#: What a message is about. Not all JSON is jsonb for PostgreSQL (\u0000 is not), and the body of a stranger's
#: message that was put aside for a newer worker may have anything in it.
_SUBJECT = r'"subject"\s*:\s*"([[:xdigit:]]{8}(?:-[[:xdigit:]]{4}){3}-[[:xdigit:]]{12})"'
_WHEREABOUTS = """
    SELECT aggregate_id, type, app, kind FROM messaging_scheduledmessage WHERE aggregate_id = ANY(%(ids)s)
    UNION ALL
    SELECT aggregate_id, type, app, 'dead letter' FROM messaging_deadletter
    WHERE aggregate_id = ANY(%(ids)s) AND status = 'open'
    UNION ALL
    SELECT subject, type, split_part(queue, '.', 1), 'outbox'
    FROM (SELECT type, queue, substring(body FROM %(subject)s)::uuid AS subject
          FROM messaging_outboxentry) AS sent
    WHERE subject = ANY(%(ids)s)
"""


def given_up(app: str) -> set[UUID]:
    """Aggregates of which operators discarded or replaced an event for this app: it never takes that."""
    closed = [DeadLetter.Status.DISCARDED, DeadLetter.Status.REPLACED]
    letters = DeadLetter.objects.filter(app=app, status__in=closed, aggregate_id__isnull=False)
    return {aggregate_id for aggregate_id in letters.values_list("aggregate_id", flat=True) if aggregate_id}


def overdue(*, grace: timedelta) -> tuple[int, int]:
    """How many messages a relay should have published, and made due, more than ``grace`` ago."""
    since = datetime.now(UTC) - grace
    unpublished = OutboxEntry.objects.filter(created_at__lt=since).count()
    return unpublished, ScheduledMessage.objects.filter(due_at__lt=since).count()


def backlog() -> Backlog:
    """What is under way right now; the tables asked are small, for they empty themselves."""
    kinds = ScheduledMessage.Kind
    waiting = {kind: ScheduledMessage.objects.filter(kind=kind).count() for kind in kinds}
    return Backlog(
        unpublished=OutboxEntry.objects.count(),
        reminders=waiting[kinds.REMINDER],
        retries=waiting[kinds.RETRY],
        parked=waiting[kinds.PARKED],
        held=waiting[kinds.HELD],
        open_dead_letters=DeadLetter.objects.filter(status=DeadLetter.Status.OPEN).count(),
    )
