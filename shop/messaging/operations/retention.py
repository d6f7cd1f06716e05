"""Retention of inbox rows, dead letters and task results."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Exists, OuterRef, QuerySet
from django_celery_results.models import TaskResult

from shop.messaging.consuming.horizon import move_inbox_horizon
from shop.messaging.models import DeadLetter, DeadLetterAction, InboxEntry, ScheduledMessage
from shop.messaging.pruning import Pruned, prune


def prune_inbox() -> Pruned:
    """Delete inbox rows older than ``SHOP_INBOX_RETENTION``.

    A row is kept while its event is scheduled or has an open dead letter, and for another retention period
    after a replay of the letter: the event may be delivered once more.
    """
    same_event = OuterRef("event_id")
    scheduled = ScheduledMessage.objects.filter(message_id=same_event)
    open_letters = DeadLetter.objects.filter(event_id=same_event, status=DeadLetter.Status.OPEN)
    horizon = _ago(settings.SHOP_INBOX_RETENTION)
    replayed = DeadLetterAction.objects.filter(dead_letter__event_id=same_event, at__gte=horizon)
    rows = InboxEntry.objects.exclude(Exists(scheduled)).exclude(Exists(open_letters))
    rows = rows.exclude(Exists(replayed))
    move_inbox_horizon(horizon)
    return prune(rows, by="consumed_at", before=horizon)


def prune_dead_letters() -> Pruned:
    """Delete dead letters and their actions ``SHOP_DEAD_LETTER_RETENTION`` after their replay.

    Discarded and replaced letters are kept: they explain why an event of the log was never consumed.
    """
    horizon = _ago(settings.SHOP_DEAD_LETTER_RETENTION)
    recent_actions = DeadLetterAction.objects.filter(dead_letter=OuterRef("pk"), at__gte=horizon)
    replayed = DeadLetter.objects.filter(status=DeadLetter.Status.REPLAYED).exclude(Exists(recent_actions))
    return prune(replayed, by="died_at", before=horizon, forget=_delete_with_actions)


def _delete_with_actions(letters: QuerySet[Any]) -> None:
    DeadLetterAction.objects.filter(dead_letter__in=letters).delete()
    letters.delete()


def prune_results() -> Pruned:
    """Delete task results ``SHOP_RESULT_RETENTION`` after their last update."""
    return prune(TaskResult.objects.all(), by="date_done", before=_ago(settings.SHOP_RESULT_RETENTION))


def _ago(retention: timedelta) -> datetime:
    return datetime.now(UTC) - retention
