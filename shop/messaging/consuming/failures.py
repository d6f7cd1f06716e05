"""Handling of messages that could not be consumed: retry, deferral or dead letter."""

from __future__ import annotations

import json
import traceback
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from celery.utils.log import get_task_logger
from django.db import connection, transaction
from django.db.models import Value
from django.db.models.functions import Greatest

from shop.messaging.backoff import exponential_backoff
from shop.messaging.consuming import tally
from shop.messaging.consuming.envelope import Envelope
from shop.messaging.consuming.registry import Consumer
from shop.messaging.contracts import Event
from shop.messaging.contracts.envelope import claimed_type
from shop.messaging.errors import Forged, LostByRestore, UnknownEventType, describe, without_nul
from shop.messaging.failpoints import Point, reach
from shop.messaging.models import DeadLetter, ScheduledMessage

logger = get_task_logger(__name__)

#: Attempts after which an event becomes a dead letter; with the backoff after more than an hour.
MAX_ATTEMPTS = 20

#: Deferrals after which an event becomes a dead letter, for its predecessor must be lost: about half a day.
MAX_DEFERRALS = 80

#: Wait after the first deferral. The predecessor is usually on its way already.
FIRST_DEFERRAL = timedelta(seconds=0.1)

#: First and longest wait before a retry, doubled in between.
BACKOFF, LONGEST_BACKOFF = timedelta(seconds=1), timedelta(minutes=10)

#: Upper bound of the time from the first delivery to the last attempt or deferral.
LONGEST_DELIVERY = LONGEST_BACKOFF * (MAX_ATTEMPTS + MAX_DEFERRALS)


def retry_delay(nth: int) -> timedelta:
    """Return the wait after the ``nth`` failure, counted from 1."""
    return exponential_backoff(BACKOFF, nth, LONGEST_BACKOFF)


def defer(consumer: Consumer, envelope: Envelope, error: Exception) -> None:
    """Defer an event until its predecessor is consumed; after MAX_DEFERRALS make it a dead letter."""
    deferrals = envelope.deferrals + 1
    if deferrals > MAX_DEFERRALS:
        dead_letter(consumer, envelope, error)
        return
    reach(Point.BEFORE_DEFER)
    _schedule(consumer, envelope, error, ScheduledMessage.Kind.DEFERRED, deferrals=deferrals)
    tally.count(tally.DEFERRED)
    reach(Point.AFTER_DEFER)


def retry_later(consumer: Consumer, envelope: Envelope, error: Exception) -> None:
    """Schedule another attempt at an event; after MAX_ATTEMPTS make it a dead letter."""
    attempts = envelope.attempts + 1
    if attempts >= MAX_ATTEMPTS:
        dead_letter(consumer, envelope, error)
    else:
        logger.warning(
            "%s failed on %s, attempt %d: %r", consumer.name, envelope.event.meta.id, attempts, error
        )
        reach(Point.BEFORE_RETRY)
        _schedule(consumer, envelope, error, ScheduledMessage.Kind.RETRY, attempts=attempts)
        tally.count(tally.RETRIED)
        reach(Point.AFTER_RETRY)


def _schedule(
    consumer: Consumer,
    envelope: Envelope,
    error: Exception,
    kind: ScheduledMessage.Kind,
    *,
    attempts: int | None = None,
    deferrals: int | None = None,
) -> None:
    event = envelope.event
    values = {
        "kind": kind,
        "consumer": consumer.name,
        "type": envelope.type,
        "aggregate_id": event.aggregate_id,
        "body": envelope.text,
        "due_at": datetime.now(UTC)
        + (FIRST_DEFERRAL if deferrals == 1 else retry_delay(attempts or deferrals or 1)),
        "last_error": describe(error),
    }
    counts = {
        "attempts": attempts if attempts is not None else envelope.attempts,
        "deferrals": deferrals if deferrals is not None else envelope.deferrals,
    }
    # A redelivered copy carries older counts than a row that exists already.
    highest = {name: Greatest(name, Value(count)) for name, count in counts.items()}
    ScheduledMessage.objects.update_or_create(
        app=consumer.app,
        message_id=event.meta.id,
        defaults=values | highest,
        create_defaults=values | counts,
    )


def dead_letter(consumer: Consumer, envelope: Envelope, error: Exception) -> None:
    """Make a dead letter of an event that its consumer cannot consume."""
    event = envelope.event
    logger.error("%s: event %s is a dead letter: %r", consumer.name, event.meta.id, error)
    _save(
        DeadLetter(
            cause=DeadLetter.Cause.FAILED,
            app=consumer.app,
            consumer=consumer.name,
            type=envelope.type,
            event_id=event.meta.id,
            aggregate_id=event.aggregate_id,
            body=envelope.text,
            error_type=type(error).__name__,
            error=without_nul(error),
            traceback=without_nul("".join(traceback.format_exception(error))),
            attempts=envelope.attempts + 1,
        )
    )


def dead_letter_unreadable(
    *,
    app: str,
    body: str,
    error_type: str,
    error: str,
    consumer: str = "",
    cause: str = DeadLetter.Cause.UNREADABLE,
) -> None:
    """Make a dead letter of a message that cannot be read, or not be believed. It is not retried.

    It has no event id: an id that was not proven must not stand for an event of the log.
    """
    kind = "a forged" if cause == DeadLetter.Cause.FORGED else "an unreadable"
    logger.error("%s: %s message is a dead letter: %s", app, kind, error)
    _save(
        DeadLetter(
            cause=cause,
            app=app,
            consumer=consumer,
            type=_claimed_type(body),
            body=without_nul(body),
            error_type=error_type,
            error=without_nul(error),
        )
    )


def dead_letter_forged(*, app: str, body: str, consumer: str = "") -> None:
    """Make a dead letter of a message without a signature that the log does not have."""
    dead_letter_unreadable(
        app=app,
        body=body,
        error_type=Forged.__name__,
        error="it carries no signature, and the log has no such event",
        consumer=consumer,
        cause=DeadLetter.Cause.FORGED,
    )


def dead_letter_lost(*, app: str, body: str, consumer: str) -> None:
    """Make a dead letter of a message from the time that a restore of the database has lost.

    One that another event caused is closed at once: the restored order goes its way anew. One that a person
    or a timer caused stays open, because nobody else will do that again.
    """
    message = json.loads(body)
    letters = DeadLetter.objects.filter(cause=DeadLetter.Cause.LOST, app=app, event_id=message["id"])
    if letters.filter(status__in=(DeadLetter.Status.OPEN, DeadLetter.Status.DISCARDED)).exists():
        return
    logger.error("%s: %s is of the time that the restore has lost", consumer, message["id"])
    _save(
        DeadLetter(
            status=DeadLetter.Status.DISCARDED if message.get("causationid") else DeadLetter.Status.OPEN,
            cause=DeadLetter.Cause.LOST,
            app=app,
            consumer=consumer,
            type=_claimed_type(body),
            event_id=UUID(message["id"]),
            aggregate_id=UUID(message["subject"]),
            body=without_nul(body),
            error_type=LostByRestore.__name__,
            error=LostByRestore.__doc__ or "",
        )
    )


def retry_unknown_later(*, app: str, body: str, error: str, attempts: int) -> None:
    """Schedule a message of an unknown type for another worker of the app; in the end make it a dead letter.

    During a rolling deployment old and new workers share a queue, and a new one may know the type. If a
    message with the same id, the event in another version, is scheduled already, that one is kept.
    """
    message = json.loads(body)
    values: dict[str, Any] = {
        "app": app,
        "type": _claimed_type(body),
        "aggregate_id": UUID(message.get("subject") or message["id"]),
        "body": body,
        "attempts": attempts + 1,
    }
    if attempts + 1 < MAX_ATTEMPTS:
        retry = ScheduledMessage(
            kind=ScheduledMessage.Kind.RETRY,
            message_id=UUID(message["id"]),
            due_at=datetime.now(UTC) + retry_delay(attempts + 1),
            last_error=f"{UnknownEventType.__name__}: {error}",
            **values,
        )
        ScheduledMessage.objects.bulk_create([retry], ignore_conflicts=True)
        return
    logger.error("%s: a message of an unknown type is a dead letter: %s", app, error)
    _save(
        DeadLetter(
            cause=DeadLetter.Cause.UNREADABLE,
            event_id=UUID(message["id"]),
            error_type=UnknownEventType.__name__,
            error=error,
            **values,
        )
    )


def dead_letter_crashed(
    consumer: Consumer, event: Event, *, body: str, error_type: str, error: str, attempts: int
) -> None:
    """Make a dead letter of an event that killed its worker process."""
    logger.error("%s: event %s is a dead letter: %s", consumer.name, event.meta.id, error)
    _save(
        DeadLetter(
            cause=DeadLetter.Cause.CRASHED,
            app=consumer.app,
            consumer=consumer.name,
            type=event.type,
            event_id=event.meta.id,
            aggregate_id=event.aggregate_id,
            body=body,
            error_type=error_type,
            error=error,
            attempts=attempts,
        )
    )


def _claimed_type(body: str) -> str:
    """Return the type in an unreadable message; empty if it has no valid one."""
    try:
        return claimed_type(json.loads(body))
    except (ValueError, RecursionError):
        return ""


def _save(letter: DeadLetter) -> None:
    """Save a dead letter; update the open one of the same delivery, if any."""
    reach(Point.BEFORE_DEAD_LETTER)
    with transaction.atomic():
        if letter.event_id:
            connection.cursor().execute(
                "SELECT pg_advisory_xact_lock(hashtext(%s))", [f"dead letter {letter.event_id}"]
            )
            known = DeadLetter.objects.filter(
                status=DeadLetter.Status.OPEN,
                app=letter.app,
                consumer=letter.consumer,
                event_id=letter.event_id,
            ).first()
            letter.pk = known.pk if known else None
            letter.died_at = datetime.now(UTC)
        letter.save(force_update=bool(letter.pk))
    tally.count(tally.DEAD)
    reach(Point.AFTER_DEAD_LETTER)
