"""Queries about pending messages and gaps of the inbox."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Count, Min

from shop.ids import uuid7_at
from shop.messaging.consuming.horizon import inbox_horizon
from shop.messaging.consuming.subscriptions import OWED, logged_consumers
from shop.messaging.models import DeadLetter, OutboxEntry, ScheduledMessage
from shop.waiting import Waiting, waiting


@dataclass(frozen=True, slots=True)
class InboxGap:
    """A published event that a subscribed consumer has not consumed."""

    consumer: str
    event_id: UUID
    type: str
    aggregate_id: UUID


@dataclass(frozen=True, slots=True)
class UnloggedConsumption:
    """Events that a consumer consumed although the log does not have them."""

    consumer: str
    events: int
    #: Id of one of them.
    example: UUID


@dataclass(frozen=True, slots=True)
class PendingMessage:
    """A message about an aggregate that waits in the database."""

    aggregate_id: UUID
    type: str
    #: Receiving app; empty for all subscribers.
    app: str
    #: ``outbox``, ``dead letter``, or a kind of scheduled message.
    place: str


@dataclass(frozen=True, slots=True)
class ScheduledAbout:
    """A scheduled message about an aggregate."""

    #: A value of ``ScheduledMessage.Kind``.
    kind: str
    app: str
    #: Empty for reminders.
    consumer: str
    type: str
    due_at: datetime
    attempts: int
    error: str


@dataclass(frozen=True, slots=True)
class Backlog:
    """Numbers of pending messages, by the place where they wait."""

    unpublished: int
    reminders: int
    retries: int
    deferred: int
    #: Messages held for paused consumers.
    held: int
    open_dead_letters: int


def inbox_gaps(limit: int = 1000, *, about: UUID | None = None) -> list[InboxGap]:
    """Return published events that a subscribed consumer has not consumed. An idle system has none.

    Left out are events older than the inbox's retention, discarded events, and events before the consumer's
    beginning.

    Args:
        limit: maximum of gaps.
        about: only events about this aggregate.
    """
    subscriptions = [(one.name, type_) for one in logged_consumers() for type_ in one.logged_as]
    parameters: list[Any] = [*map(list, zip(*subscriptions, strict=True)), uuid7_at(inbox_horizon())]
    gaps = _GAPS.format(condition="record.aggregate_id = %s AND" if about else "")
    with connection.cursor() as cursor:
        cursor.execute(gaps, [*parameters, *([about] if about else []), limit])
        return [InboxGap(*row) for row in cursor.fetchall()]


_GAPS = f"""
    SELECT subscribed.consumer, record.id, record.type, record.aggregate_id
    FROM unnest(%s::text[], %s::text[]) AS subscribed (consumer, type)
    JOIN messaging_subscription AS subscription USING (consumer)
    JOIN messaging_eventrecord AS record USING (type)
    LEFT JOIN messaging_inboxentry AS inbox
        ON inbox.event_id = record.id AND inbox.consumer = subscribed.consumer
    WHERE inbox.id IS NULL AND record.id > %s AND {{condition}} {OWED} AND NOT EXISTS (
        SELECT FROM messaging_deadletter AS letter
        WHERE letter.event_id = record.id AND letter.consumer = subscribed.consumer
          AND letter.status = 'discarded')
    ORDER BY record.position LIMIT %s
"""  # noqa: S608 - a constant


def unlogged_consumptions() -> list[UnloggedConsumption]:
    """Return what consumers consumed and the log does not have: events that the shop never published.

    Timers are not logged, and neither are the edited copies of dead letters: both are left out. The log is
    never pruned, so the retention of the inbox makes no difference.
    """
    names = [consumer.name for consumer in logged_consumers()]
    with connection.cursor() as cursor:
        cursor.execute(_UNLOGGED, [names])
        return [UnloggedConsumption(*row) for row in cursor.fetchall()]


_UNLOGGED = """
    SELECT inbox.consumer, count(*), min(inbox.event_id::text)::uuid
    FROM messaging_inboxentry AS inbox
    WHERE inbox.consumer = ANY(%s)
      AND NOT EXISTS (SELECT FROM messaging_eventrecord AS record WHERE record.id = inbox.event_id)
      AND NOT EXISTS (SELECT FROM messaging_deadletteraction AS edit WHERE edit.copy_id = inbox.event_id)
    GROUP BY inbox.consumer ORDER BY inbox.consumer
"""


def forged_messages() -> dict[str, int]:
    """Return the numbers of forged messages among the open dead letters, by app."""
    forged = DeadLetter.objects.filter(status=DeadLetter.Status.OPEN, cause=DeadLetter.Cause.FORGED)
    return dict(forged.order_by("app").values_list("app").annotate(Count("pk")))


def dead_letters_by_cause() -> dict[DeadLetter.Cause, Waiting]:
    """Return the open dead letters by cause: their number and the oldest."""
    rows = DeadLetter.objects.filter(status=DeadLetter.Status.OPEN).order_by("cause").values_list("cause")
    found = rows.annotate(Count("pk"), Min("died_at"))
    return {DeadLetter.Cause(cause): Waiting(count, since) for cause, count, since in found}


def late_in_outbox(grace: timedelta) -> Waiting:
    """Return the messages that have waited in the outbox for longer than ``grace``."""
    return waiting(OutboxEntry.objects.filter(created_at__lt=datetime.now(UTC) - grace), "created_at")


def late_scheduled(grace: timedelta) -> Waiting:
    """Return the scheduled messages that have been due for longer than ``grace``."""
    return waiting(ScheduledMessage.objects.filter(due_at__lt=datetime.now(UTC) - grace), "due_at")


def pending_messages(aggregate_ids: Collection[UUID]) -> list[PendingMessage]:
    """Return the messages about these aggregates that wait in the database. The broker is not asked."""
    with connection.cursor() as cursor:
        cursor.execute(_PENDING, {"ids": list(aggregate_ids), "subject": _SUBJECT})
        return [PendingMessage(*row) for row in cursor.fetchall()]


#: Pattern of the subject in a message. The body cannot be cast to jsonb: messages of unknown type may contain
#: JSON that PostgreSQL rejects, such as \u0000.
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


def scheduled_about(aggregate_id: UUID) -> list[ScheduledAbout]:
    """Return the scheduled messages about an aggregate, the next due first."""
    rows = ScheduledMessage.objects.filter(aggregate_id=aggregate_id).order_by("due_at")
    fields = ("kind", "app", "consumer", "type", "due_at", "attempts", "last_error")
    return [ScheduledAbout(*row) for row in rows.values_list(*fields)]


def aggregates_with_skipped_events(app: str) -> set[UUID]:
    """Return the aggregates of events that operators discarded or replaced for this app."""
    closed = [DeadLetter.Status.DISCARDED, DeadLetter.Status.REPLACED]
    letters = DeadLetter.objects.filter(app=app, status__in=closed, aggregate_id__isnull=False)
    letters = letters.exclude(cause=DeadLetter.Cause.LOST)  # the log does not have those events
    return {aggregate_id for aggregate_id in letters.values_list("aggregate_id", flat=True) if aggregate_id}


def overdue(*, grace: timedelta) -> tuple[int, int]:
    """Return the numbers of unpublished and of due messages that have waited longer than ``grace``."""
    since = datetime.now(UTC) - grace
    unpublished = OutboxEntry.objects.filter(created_at__lt=since).count()
    return unpublished, ScheduledMessage.objects.filter(due_at__lt=since).count()


def backlog() -> Backlog:
    """Return the numbers of pending messages. The counted tables stay small: rows leave them when done."""
    kinds = ScheduledMessage.Kind
    scheduled = {kind: ScheduledMessage.objects.filter(kind=kind).count() for kind in kinds}
    return Backlog(
        unpublished=OutboxEntry.objects.count(),
        reminders=scheduled[kinds.REMINDER],
        retries=scheduled[kinds.RETRY],
        deferred=scheduled[kinds.DEFERRED],
        held=scheduled[kinds.HELD],
        open_dead_letters=DeadLetter.objects.filter(status=DeadLetter.Status.OPEN).count(),
    )
