"""Celery tasks of dead letters: recording, replay, pruning."""

import time
from dataclasses import asdict
from typing import Any, NoReturn

from celery import Task, shared_task
from celery.exceptions import Ignore, OperationalError, Reject
from django.conf import settings
from django.db import DatabaseError, connection

from shop.messaging import database_errors
from shop.messaging.consuming import DeliveryTask, consumer_of, failures
from shop.messaging.contracts import Event, cloudevents
from shop.messaging.dead_letters import ReplayProgress, Selection, replay_dead_letters
from shop.messaging.errors import Forged, MessagingError
from shop.messaging.models import DeadLetter
from shop.messaging.operations import retention
from shop.messaging.pruning import continue_pruning
from shop.messaging.signing import log
from shop.postgres import json_text

#: Seconds after which a replay continues in another run of its task. Far below the time limit of tasks.
TIME_SLICE = 5.0

#: Delay in seconds before a replay is retried during an outage of the database.
OUTAGE_DELAY = 2.0


@shared_task(name="messaging.bury_unreadable", base=DeliveryTask)
def dead_letter_unreadable(
    app: str, body: str, error_type: str, error: str, cause: str, attempts: int, unsigned: bool = False
) -> None:
    """Record a message that cannot be consumed. The worker then rejects it to the dead-letter queue."""
    try:
        event = _event_in(body, unsigned=unsigned) if cause == DeadLetter.Cause.CRASHED else None
        consumer = event and consumer_of(app, event.type)
        if event and consumer:
            failures.dead_letter_crashed(
                consumer, event, body=body, error_type=error_type, error=error, attempts=attempts
            )
        else:
            failures.dead_letter_unreadable(
                app=app, body=body, error_type=error_type, error=error, cause=_cause(cause)
            )
    except Exception as failure:
        raise Reject(f"not recorded: {failure}", requeue=True) from failure


@shared_task(name="messaging.record_forged_task", ignore_result=True)
def record_forged_task(queue: str, body: str, problem: str) -> None:
    """Record a task message that the shop did not send. It runs in place of that task."""
    app = queue if queue in settings.CELERY_TASK_QUEUES else ""
    try:
        failures.dead_letter_unreadable(
            app=app,
            body=body,
            error_type=Forged.__name__,
            error=f"a task: {problem}",
            cause=DeadLetter.Cause.FORGED,
        )
    except Exception as failure:
        raise Reject("not recorded", requeue=True) from failure


def _cause(cause: str) -> str:
    return cause if cause == DeadLetter.Cause.FORGED else DeadLetter.Cause.UNREADABLE


@shared_task(name="messaging.put_aside_unknown", base=DeliveryTask)
def retry_unknown_later(
    app: str, body: str, error_type: str, error: str, cause: str, attempts: int, unsigned: bool = False
) -> None:
    """Schedule a retry of a message of unknown type; after the last attempt it becomes a dead letter."""
    try:
        if unsigned and not log.is_logged(json_text.loads(body)):
            failures.dead_letter_forged(app=app, body=body)
            return
        failures.retry_unknown_later(app=app, body=body, error=error, attempts=attempts)
    except (ValueError, RecursionError):  # broken, or nested too deeply to be parsed
        dead_letter_unreadable(app, body, error_type, error, cause, attempts)
    except Exception as failure:
        raise Reject(f"not scheduled: {failure}", requeue=True) from failure


def _event_in(body: str, *, unsigned: bool) -> Event | None:
    """Return the event, or None if it cannot be read or believed."""
    try:
        event = cloudevents.decode(message := json_text.loads(body))
        return None if unsigned and not log.is_logged(message) else event
    except (MessagingError, ValueError):
        return None


@shared_task(name="messaging.replay", bind=True, ignore_result=False, track_started=False)
def replay(
    self: Task[Any, Any],
    selection: dict[str, Any],
    by: str,
    total: int,
    reason: str = "",
    so_far: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Replay dead letters for an operator, with the progress in the task's result.

    After a time slice, another run of the task under the same id continues. This keeps each run below the
    time limit of tasks and the broker's acknowledgement timeout, and lets other tasks run. A killed run
    is redelivered; the letters that it has replayed are no longer open.
    """
    selected, progress = Selection(**selection), ReplayProgress(**(so_far or {}))
    deadline = time.monotonic() + TIME_SLICE
    try:
        for _ in replay_dead_letters(selected, by=by, reason=reason, progress=progress):
            left = selected.letters().filter(pk__gt=progress.last).count()
            self.update_state(state="PROGRESS", meta={"done": total - left, "total": total})
            if left and time.monotonic() > deadline:
                so_far = asdict(progress)
                _continue(self, selection=selection, by=by, total=total, reason=reason, so_far=so_far)
    except DatabaseError as error:
        if not database_errors.is_outage(error):
            raise
        connection.close()
        time.sleep(OUTAGE_DELAY)
        raise Reject(f"the database is unavailable: {error}", requeue=True) from error
    return {"done": total, "total": total, "open": selected.letters().count(), "refused": progress.refused}


def _continue(task: Task[Any, Any], **arguments: Any) -> NoReturn:
    """Send the rest to another run of the task under the same id, and end this one without a result."""
    try:
        task.apply_async(kwargs=arguments, task_id=task.request.id, retry=False)
    except (OperationalError, OSError) as error:
        raise Reject(f"the broker is unavailable: {error}", requeue=True) from error
    raise Ignore


@shared_task(name="messaging.prune_dead_letters", bind=True, ignore_result=False)
def prune_dead_letters(self: Task[Any, Any]) -> dict[str, int]:
    """Delete replayed dead letters whose retention has expired."""
    return continue_pruning(self, retention.prune_dead_letters())
