"""Handling of messages that could not be consumed: retried, deferred, or dead-lettered."""

from __future__ import annotations

import json
import re
import traceback
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from celery.utils.log import get_task_logger
from django.db import connection, transaction
from django.db.models import Value
from django.db.models.functions import Greatest

from shop.messaging.backoff import exponential_backoff
from shop.messaging.errors import UnknownEventType
from shop.messaging.failpoints import Point, reach
from shop.messaging.models import DeadLetter, ScheduledMessage

if TYPE_CHECKING:
    from shop.messaging.consuming.envelope import Envelope
    from shop.messaging.consuming.registry import Consumer
    from shop.messaging.contracts import Event
from shop.messaging.errors import describe, without_nul

logger = get_task_logger(__name__)

#: Attempts after which an event is a dead letter. With the backoff: after more than an hour.
MAX_ATTEMPTS = 20

#: After this many deferrals its predecessor is taken for lost: about half a day.
MAX_DEFERRALS = 80

#: Until an event that came too early is tried again for the first time: mostly its predecessor was under way.
FIRST_DEFERRAL = timedelta(seconds=0.1)

#: First and longest wait, doubled in between.
BACKOFF, LONGEST_BACKOFF = timedelta(seconds=1), timedelta(minutes=10)

#: The longest time from the first to the last attempt, and to the last parking.
LONGEST_DELIVERY = LONGEST_BACKOFF * (MAX_ATTEMPTS + MAX_DEFERRALS)

#: What the name of a type may look like; a stranger may have written anything.
_TYPE = re.compile(r"[\w.-]{1,100}", re.ASCII)


def retry_delay(nth: int) -> timedelta:
    """How long to wait after the ``nth`` failure, counted from 1."""
    return exponential_backoff(BACKOFF, nth, LONGEST_BACKOFF)


def defer(consumer: Consumer, envelope: Envelope, error: Exception) -> None:
    """Put an event aside until its predecessor came."""
    deferrals = envelope.deferrals + 1
    if deferrals > MAX_DEFERRALS:
        dead_letter(consumer, envelope, error)
        return
    reach(Point.BEFORE_DEFER)
    _schedule(consumer, envelope, error, ScheduledMessage.Kind.DEFERRED, deferrals=deferrals)
    reach(Point.AFTER_DEFER)


def retry_later(consumer: Consumer, envelope: Envelope, error: Exception) -> None:
    """Put an event aside for another attempt; after the last one bury it."""
    attempts = envelope.attempts + 1
    if attempts >= MAX_ATTEMPTS:
        dead_letter(consumer, envelope, error)
    else:
        logger.warning(
            "%s failed on %s, attempt %d: %r", consumer.name, envelope.event.meta.id, attempts, error
        )
        reach(Point.BEFORE_RETRY)
        _schedule(consumer, envelope, error, ScheduledMessage.Kind.RETRY, attempts=attempts)
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
    said = {
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
    # A copy that the broker delivers again knows nothing of what became of the event since.
    highest = {name: Greatest(name, Value(count)) for name, count in counts.items()}
    ScheduledMessage.objects.update_or_create(
        app=consumer.app,
        message_id=event.meta.id,
        defaults=said | highest,
        create_defaults=said | counts,
    )


def dead_letter(consumer: Consumer, envelope: Envelope, error: Exception) -> None:
    """Make a dead letter of an event that its consumer cannot take."""
    event = envelope.event
    logger.error("%s: %s is a dead letter: %r", consumer.name, event.meta.id, error)
    _store(
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


def dead_letter_unreadable(*, app: str, body: str, error_type: str, error: str, consumer: str = "") -> None:
    """Make a dead letter of a message that cannot be read; no retry can help it."""
    logger.error("%s: a message is a dead letter: %s", app, error)
    _store(
        DeadLetter(
            cause=DeadLetter.Cause.UNREADABLE,
            app=app,
            consumer=consumer,
            type=_claimed_type(body),
            body=without_nul(body),
            error_type=error_type,
            error=error,
        )
    )


def retry_unknown_later(*, app: str, body: str, error: str, attempts: int) -> None:
    """Put a message of an unknown type aside for another worker of the app, which may know it already.

    While a deployment rolls, old and new workers share a queue. A message that is here already under
    this id, the same fact in another version, is as good.
    """
    message = json.loads(body)
    said: dict[str, Any] = {
        "app": app,
        "type": _claimed_type(body),
        "aggregate_id": UUID(message.get("subject") or message["id"]),
        "body": body,
        "attempts": attempts + 1,
    }
    if attempts + 1 < MAX_ATTEMPTS:
        later = ScheduledMessage(
            kind=ScheduledMessage.Kind.RETRY,
            message_id=UUID(message["id"]),
            due_at=datetime.now(UTC) + retry_delay(attempts + 1),
            last_error=f"{UnknownEventType.__name__}: {error}",
            **said,
        )
        ScheduledMessage.objects.bulk_create([later], ignore_conflicts=True)
        return
    logger.error("%s: a message is a dead letter: %s", app, error)
    _store(
        DeadLetter(
            cause=DeadLetter.Cause.UNREADABLE,
            event_id=UUID(message["id"]),
            error_type=UnknownEventType.__name__,
            error=error,
            **said,
        )
    )


def dead_letter_crashed(
    consumer: Consumer, event: Event, *, body: str, error_type: str, error: str, attempts: int
) -> None:
    """Make a dead letter of an event over which its consumer lost its worker process."""
    logger.error("%s: %s is a dead letter: %s", consumer.name, event.meta.id, error)
    _store(
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
    """The type that an unreadable message says it is of, where that is one."""
    try:
        message = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    said = message.get("type") if isinstance(message, dict) else None
    return said if isinstance(said, str) and _TYPE.fullmatch(said) else ""


def _store(letter: DeadLetter) -> None:
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
    reach(Point.AFTER_DEAD_LETTER)
