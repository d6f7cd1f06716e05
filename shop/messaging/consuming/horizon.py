"""Horizon of the inbox: the moment before which it may have forgotten what was consumed."""

from datetime import UTC, datetime

from django.conf import settings

from shop.messaging.models import Horizon

_INBOX = "inbox"


def inbox_horizon() -> datetime:
    """Return the moment since which the inbox is complete. A longer retention brings no row back."""
    pruned = Horizon.objects.filter(what=_INBOX).values_list("at", flat=True)
    return max([datetime.now(UTC) - settings.SHOP_INBOX_RETENTION, *pruned])


def move_inbox_horizon(to: datetime) -> None:
    """Record that inbox rows before ``to`` may be gone. The horizon never moves back."""
    Horizon.objects.get_or_create(what=_INBOX, defaults={"at": to})
    Horizon.objects.filter(what=_INBOX, at__lt=to).update(at=to)
