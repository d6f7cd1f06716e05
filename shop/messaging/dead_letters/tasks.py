"""Celery tasks of dead letters: recording, replay, pruning."""

import json
import time
from dataclasses import asdict
from typing import Any, NoReturn

from celery import Task, shared_task
from celery.exceptions import Ignore, OperationalError, Reject
from django.db import DatabaseError, connection

from shop.messaging import database_errors
from shop.messaging.consuming import DeliveryTask, consumer_of, failures
from shop.messaging.contracts import Event, cloudevents
from shop.messaging.dead_letters import ReplayProgress, Selection, replay_dead_letters
from shop.messaging.errors import MessagingError
from shop.messaging.models import DeadLetter
from shop.messaging.operations import retention
from shop.messaging.pruning import continue_pruning

#: Seconds after which a replay continues in another run of its task. Far below the time limit of tasks.
TIME_SLICE = 5.0

#: Delay in seconds before a replay is retried during an outage of the database.
OUTAGE_DELAY = 2.0


@shared_task(name="messaging.bury_unreadable", base=DeliveryTask)
def dead_letter_unreadable(
    app: str, body: str, error_type: str, error: str, cause: str, attempts: int
) -> None:
    """Record a message that cannot be consumed. The worker then rejects it to the dead-letter queue."""
    try:
        event = _event_in(body) if cause == DeadLetter.Cause.CRASHED else None
        consumer = event and consumer_of(app, event.type)
        if event and consumer:
            failures.dead_letter_crashed(
                consumer, event, body=body, error_type=error_type, error=error, attempts=attempts
            )
        else:
            failures.dead_letter_unreadable(app=app, body=body, error_type=error_type, error=error)
    except Exception as failure:
        raise Reject(f"not recorded: {failure}", requeue=True) from failure


@shared_task(name="messaging.put_aside_unknown", base=DeliveryTask)
def retry_unknown_later(app: str, body: str, error_type: str, error: str, cause: str, attempts: int) -> None:
    """Schedule a retry of a message of unknown type; after the last attempt it becomes a dead letter."""
    try:
        failures.retry_unknown_later(app=app, body=body, error=error, attempts=attempts)
    except RecursionError:  # nested too deeply to be parsed
        dead_letter_unreadable(app, body, error_type, error, cause, attempts)
    except Exception as failure:
        raise Reject(f"not scheduled: {failure}", requeue=True) from failure


def _event_in(body: str) -> Event | None:
    try:
        return cloudevents.decode(json.loads(body))
    except (MessagingError, RecursionError):
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
