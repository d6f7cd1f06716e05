"""Queries about messages under way: backlog, gaps, paused consumers."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db import connection

from shop.ids import uuid7_at
from shop.messaging.consuming import circuit_breaker, consumers
from shop.messaging.consuming.horizon import inbox_horizon
from shop.messaging.contracts import Reminder
from shop.messaging.models import Circuit, DeadLetter, OutboxEntry, ScheduledMessage


@dataclass(frozen=True, slots=True)
class InboxGap:
    """An event that a subscribed consumer has not consumed."""

    consumer: str
    event_id: UUID
    type: str
    aggregate_id: UUID


@dataclass(frozen=True, slots=True)
class PendingMessage:
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
    deferred: int
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
        PausedConsumer(
            c.consumer, c.opened_at, c.probe_at, c.probes, c.last_error, circuit_breaker.held(c.consumer)
        )
        for c in Circuit.objects.order_by("opened_at")
    ]


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


def pending_messages(aggregate_ids: Collection[UUID]) -> list[PendingMessage]:
    """The messages about these aggregates that wait somewhere in the database; not those in the broker."""
    with connection.cursor() as cursor:
        cursor.execute(_PENDING, {"ids": list(aggregate_ids), "subject": _SUBJECT})
        return [PendingMessage(*row) for row in cursor.fetchall()]


#: What a message is about. Not all JSON is jsonb for PostgreSQL (\u0000 is not), and the body of a stranger's
#: message that was put aside for a newer worker may have anything in it.
_SUBJECT = r'"subject"\s*:\s*"([[:xdigit:]]{8}(?:-[[:xdigit:]]{4}){3}-[[:xdigit:]]{12})"'

_PENDING = """
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
        deferred=waiting[kinds.DEFERRED],
        held=waiting[kinds.HELD],
        open_dead_letters=DeadLetter.objects.filter(status=DeadLetter.Status.OPEN).count(),
    )
