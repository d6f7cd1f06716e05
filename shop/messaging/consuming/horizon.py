"""Inbox horizon: the moment before which inbox rows may have been pruned."""

from datetime import UTC, datetime

from django.conf import settings

from shop.messaging.models import Horizon

_INBOX = "inbox"


def inbox_horizon() -> datetime:
    """Return the moment since which the inbox is complete."""
    # Recorded by each pruning, because a longer retention brings no pruned row back.
    pruned = Horizon.objects.filter(what=_INBOX).values_list("at", flat=True)
    return max([datetime.now(UTC) - settings.SHOP_INBOX_RETENTION, *pruned])


def move_inbox_horizon(to: datetime) -> None:
    """Record that inbox rows before ``to`` may be pruned. The horizon never moves back."""
    Horizon.objects.get_or_create(what=_INBOX, defaults={"at": to})
    Horizon.objects.filter(what=_INBOX, at__lt=to).update(at=to)
