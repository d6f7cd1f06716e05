"""Celery tasks of dead letters: recording, replaying, pruning."""

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
from shop.messaging.dead_letters import Selection, Tally, replay_dead_letters
from shop.messaging.errors import MessagingError
from shop.messaging.models import DeadLetter
from shop.messaging.operations import retention
from shop.messaging.pruning import continue_pruning

#: Seconds that a replay goes on before another run goes on with it; far below the time limit of tasks.
SLICE = 5.0

#: Seconds before a replay asks again for a database that is away.
OUTAGE_PAUSE = 2.0


@shared_task(name="messaging.bury_unreadable", base=DeliveryTask)
def dead_letter_unreadable(
    app: str, body: str, error_type: str, error: str, cause: str, attempts: int
) -> None:
    """Record a message that cannot be consumed; the bridge then rejects it to the dead-letter queue."""
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
    """Keep a message of an unknown type for a worker that knows it, and in the end as a dead letter."""
    try:
        failures.retry_unknown_later(app=app, body=body, error=error, attempts=attempts)
    except RecursionError:  # nested deeper than can be read here
        dead_letter_unreadable(app, body, error_type, error, cause, attempts)
    except Exception as failure:
        raise Reject(f"not put aside: {failure}", requeue=True) from failure


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
    """Replay dead letters on behalf of an operator, showing its progress in the task's result.

    After a while it hands the rest to another run of itself: so it stays below the limits for tasks and
    the broker's patience, others get their turn, and one that is killed is gone on with where it began.
    """
    chosen, tally, until = Selection(**selection), Tally(**(so_far or {})), time.monotonic() + SLICE
    try:
        for _ in replay_dead_letters(chosen, by=by, reason=reason, tally=tally):
            left = chosen.letters().filter(pk__gt=tally.last).count()
            self.update_state(state="PROGRESS", meta={"done": total - left, "total": total})
            if left and time.monotonic() > until:
                _continue(self, selection=selection, by=by, total=total, reason=reason, so_far=asdict(tally))
    except DatabaseError as error:
        if not database_errors.is_outage(error):
            raise
        connection.close()
        time.sleep(OUTAGE_PAUSE)
        raise Reject(f"the database is away: {error}", requeue=True) from error
    return {"done": total, "total": total, "open": chosen.letters().count(), "refused": tally.refused}


def _continue(task: Task[Any, Any], **arguments: Any) -> NoReturn:
    """Have the rest done by another run under the same id."""
    try:
        task.apply_async(kwargs=arguments, task_id=task.request.id, retry=False)
    except (OperationalError, OSError) as error:
        raise Reject(f"the broker is away: {error}", requeue=True) from error
    raise Ignore


@shared_task(name="messaging.prune_dead_letters", bind=True, ignore_result=False)
def prune_dead_letters(self: Task[Any, Any]) -> dict[str, int]:
    """Forget dead letters that were dealt with long ago."""
    return continue_pruning(self, retention.forget_dead_letters())
