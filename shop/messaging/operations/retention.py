"""How long the kernel remembers what was consumed, what could not be, and what tasks returned."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Exists, OuterRef, QuerySet
from django_celery_results.models import TaskResult

from shop.messaging.consuming.horizon import move_inbox_horizon
from shop.messaging.models import DeadLetter, DeadLetterAction, InboxEntry, ScheduledMessage
from shop.messaging.pruning import Pruned, prune


def forget_consumed() -> Pruned:
    """Forget inbox rows older than ``SHOP_INBOX_RETENTION``, which is longer than any replay.

    A row stays as long as a copy of its event waits here, as a dead letter for instance, and as long again
    once an operator has replayed that: it may still come to the consumer once more.
    """
    same_event = OuterRef("event_id")
    waiting = ScheduledMessage.objects.filter(message_id=same_event)
    buried = DeadLetter.objects.filter(event_id=same_event, status=DeadLetter.Status.OPEN)
    horizon = _ago(settings.SHOP_INBOX_RETENTION)
    replayed = DeadLetterAction.objects.filter(dead_letter__event_id=same_event, at__gte=horizon)
    rows = InboxEntry.objects.exclude(Exists(waiting)).exclude(Exists(buried)).exclude(Exists(replayed))
    move_inbox_horizon(horizon)
    return prune(rows, by="consumed_at", before=horizon)


def forget_dead_letters() -> Pruned:
    """Forget replayed dead letters ``SHOP_DEAD_LETTER_RETENTION`` after that, and who did it.

    Discarded and replaced ones stay: they say why an event of the log was never consumed.
    """
    horizon = _ago(settings.SHOP_DEAD_LETTER_RETENTION)
    recently = DeadLetterAction.objects.filter(dead_letter=OuterRef("pk"), at__gte=horizon)
    replayed = DeadLetter.objects.filter(status=DeadLetter.Status.REPLAYED).exclude(Exists(recently))
    return prune(replayed, by="died_at", before=horizon, forget=_with_actions)


def _with_actions(letters: QuerySet[Any]) -> None:
    DeadLetterAction.objects.filter(dead_letter__in=letters).delete()
    letters.delete()


def forget_results() -> Pruned:
    """Forget what tasks returned, ``SHOP_RESULT_RETENTION`` after they last said something."""
    return prune(TaskResult.objects.all(), by="date_done", before=_ago(settings.SHOP_RESULT_RETENTION))


def _ago(retention: timedelta) -> datetime:
    return datetime.now(UTC) - retention
