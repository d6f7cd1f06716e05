"""What becomes of a message that could not be consumed: later, parked, or a dead letter."""

from __future__ import annotations

import random
import traceback
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from celery.utils.log import get_task_logger
from django.db import InterfaceError, OperationalError, connection, transaction

from shop.messaging.models import DeadLetter, ScheduledMessage

if TYPE_CHECKING:
    from shop.messaging.consuming import Consumer
    from shop.messaging.runner import Message

logger = get_task_logger(__name__)

#: Headers of a message that was delivered before: failed attempts, and times parked.
ATTEMPTS, PARKINGS = "x-attempts", "x-parkings"
#: After this many attempts the message is a dead letter. With the backoff: after more than an hour.
MAX_ATTEMPTS = 20
#: After this many parkings its predecessor is taken for lost: about half a day.
MAX_PARKINGS = 80
#: First and longest wait, doubled in between.
BACKOFF, LONGEST_BACKOFF = timedelta(seconds=1), timedelta(minutes=10)
#: PostgreSQL's classes of errors that mean "not now": connection, resources, operator intervention.
OUTAGE_CLASSES = ("08", "53", "57")
#: A statement that took too long: that is the statement's fault.
QUERY_CANCELLED = "57014"


def is_outage(error: BaseException) -> bool:
    """Whether ``error`` says that the database cannot be reached, rather than that it said no."""
    if not isinstance(error, OperationalError | InterfaceError):
        return False
    sqlstate: str | None = getattr(error.__cause__, "sqlstate", None)
    return sqlstate is None or (sqlstate.startswith(OUTAGE_CLASSES) and sqlstate != QUERY_CANCELLED)


def backoff(nth: int) -> timedelta:
    """How long to wait after the ``nth`` failure, counted from 1: doubling, with half of it jitter."""
    longest: timedelta = min(BACKOFF * 2 ** min(nth - 1, 20), LONGEST_BACKOFF)
    return longest * random.uniform(0.5, 1)


def park(consumer: Consumer, message: Message, error: Exception) -> None:
    """Put an event aside until its predecessor came."""
    parkings = message.headers.get(PARKINGS, 0) + 1
    if parkings > MAX_PARKINGS:
        bury(consumer, message, error)
    else:
        _put_aside(consumer, message, error, ScheduledMessage.Kind.PARKED, parkings=parkings)


def retry_later(consumer: Consumer, message: Message, error: Exception) -> None:
    """Put an event aside for another attempt; after the last one bury it."""
    attempts = message.headers.get(ATTEMPTS, 0) + 1
    if attempts >= MAX_ATTEMPTS:
        bury(consumer, message, error)
    else:
        logger.warning(
            "%s failed on %s, attempt %d: %r", consumer.name, message.event.meta.id, attempts, error
        )
        _put_aside(consumer, message, error, ScheduledMessage.Kind.RETRY, attempts=attempts)


def _put_aside(
    consumer: Consumer,
    message: Message,
    error: Exception,
    kind: ScheduledMessage.Kind,
    *,
    attempts: int | None = None,
    parkings: int | None = None,
) -> None:
    event = message.event
    ScheduledMessage.objects.update_or_create(
        app=consumer.app,
        message_id=event.meta.id,
        defaults={
            "kind": kind,
            "type": event.type,
            "aggregate_id": event.aggregate_id,
            "body": message.text,
            "due_at": datetime.now(UTC) + backoff(attempts or parkings or 1),
            "attempts": attempts if attempts is not None else message.headers.get(ATTEMPTS, 0),
            "parkings": parkings if parkings is not None else message.headers.get(PARKINGS, 0),
            "last_error": f"{type(error).__name__}: {error}",
        },
    )


def bury(consumer: Consumer, message: Message, error: Exception) -> None:
    """Make a dead letter of an event that its consumer cannot take."""
    event = message.event
    logger.error("%s: %s is a dead letter: %r", consumer.name, event.meta.id, error)
    _bury(
        DeadLetter(
            cause=DeadLetter.Cause.FAILED,
            app=consumer.app,
            consumer=consumer.name,
            type=event.type,
            event_id=event.meta.id,
            aggregate_id=event.aggregate_id,
            body=message.text,
            error_type=type(error).__name__,
            error=str(error),
            traceback="".join(traceback.format_exception(error)),
            attempts=message.headers.get(ATTEMPTS, 0) + 1,
        )
    )


def bury_unreadable(
    *, app: str, body: str, error: Exception, consumer: str = "", cause: str = DeadLetter.Cause.UNREADABLE
) -> None:
    """Make a dead letter of a message that cannot be read, or that crashes its readers."""
    logger.error("%s: a message is a dead letter: %s", app, error)
    _bury(
        DeadLetter(
            cause=cause,
            app=app,
            consumer=consumer,
            body=body.replace("\x00", "\\x00"),  # PostgreSQL stores no NUL
            error_type=type(error).__name__,
            error=str(error),
        )
    )


def _bury(letter: DeadLetter) -> None:
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
