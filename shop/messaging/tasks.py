"""The kernel's own tasks: recording the unreadable, replaying for operators, keeping tables small."""

from datetime import UTC, datetime, timedelta
from typing import Any

from celery import Task, shared_task
from celery.exceptions import Reject
from django.conf import settings

from shop.messaging import failures
from shop.messaging.consuming import DeliveryTask
from shop.messaging.dead_letters import replay_dead_letters
from shop.messaging.errors import MessagingError
from shop.messaging.models import InboxEntry

#: Rows deleted in one statement.
PRUNE_CHUNK = 5000


@shared_task(name="messaging.bury_unreadable", base=DeliveryTask)
def bury_unreadable(app: str, body: str, problem: str, cause: str) -> None:
    """Record a message that cannot be consumed; the bridge then rejects it to the dead-letter queue."""
    try:
        failures.bury_unreadable(app=app, body=body, error=MessagingError(problem), cause=cause)
    except Exception as error:
        raise Reject(f"not recorded: {error}", requeue=True) from error


@shared_task(name="messaging.replay", bind=True, ignore_result=False)
def replay(self: Task[Any, Any], dead_letter_ids: list[int], by: str) -> dict[str, Any]:
    """Replay dead letters on behalf of an operator, showing its progress in the task's result."""
    done, refusals = 0, []
    for start in range(0, len(dead_letter_ids), 100):
        replayed, refused = replay_dead_letters(dead_letter_ids=dead_letter_ids[start : start + 100], by=by)
        done += replayed
        refusals += refused
        self.update_state(
            state="PROGRESS", meta={"done": done + len(refusals), "total": len(dead_letter_ids)}
        )
    return {"replayed": done, "refused": refusals}


@shared_task(name="messaging.prune_inbox", ignore_result=False)
def prune_inbox() -> dict[str, int]:
    """Forget inbox rows older than ``SHOP_INBOX_RETENTION``, in small steps; longer than any replay."""
    horizon: datetime = datetime.now(UTC) - inbox_retention()
    deleted = 0
    while ids := list(
        InboxEntry.objects.filter(consumed_at__lt=horizon).values_list("pk", flat=True)[:PRUNE_CHUNK]
    ):
        deleted += InboxEntry.objects.filter(pk__in=ids).delete()[0]
    return {"deleted": deleted}


def inbox_retention() -> timedelta:
    """How long an inbox row is kept."""
    retention: timedelta = settings.SHOP_INBOX_RETENTION
    return retention
