"""Watch over what needs attention: alert about what is new, and say when it is over."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext, ngettext

from console.alerts import sending
from console.home.attention import Item, everything
from console.models import Alert


def watch() -> int:
    """Send one message about all that is new or over; return the number of things that are new.

    It is in the language of the shop, as letters are. What comes again within the quiet time after its last
    alert is not new. The alert is noted after it was sent: after a failure it is sent again.

    Raises:
        OSError: it could not be sent; call again.
    """
    if not sending.is_configured():
        return 0
    with translation.override(settings.SHOP_LANGUAGE):
        return _watch()


@transaction.atomic
def _watch() -> int:
    now = timezone.now()
    present = {item.key: item for item in everything() if item.count and item.is_alerted}
    known = {alert.key: alert for alert in Alert.objects.select_for_update().order_by("key")}
    new = [item for key, item in present.items() if _is_new(known.get(key), now)]
    over = [alert for key, alert in known.items() if alert.is_open and key not in present]
    if new or over:
        sending.send(_subject(new, over), _text(new, over))
    _note(present, new, known, over, now)
    return len(new)


def _is_new(alert: Alert | None, now: datetime) -> bool:
    if alert is None:
        return True
    return not alert.is_open and now - alert.alerted_at >= settings.SHOP_ALERT_QUIET_TIME


def _note(
    present: Mapping[str, Item],
    new: Sequence[Item],
    known: Mapping[str, Alert],
    over: Sequence[Alert],
    now: datetime,
) -> None:
    for item in new:
        values = {"text": item.text, "is_open": True, "alerted_at": now}
        Alert.objects.update_or_create(key=item.key, defaults=values)
    # What came again within the quiet time is open without an alert.
    reopened = [key for key in present.keys() & known.keys() if not known[key].is_open]
    Alert.objects.filter(key__in=reopened).update(is_open=True)
    Alert.objects.filter(key__in=[alert.key for alert in over]).update(is_open=False)


def _subject(new: Sequence[Item], over: Sequence[Alert]) -> str:
    if not new:
        return "shop: " + gettext("over: {thing}").format(thing=over[0].text.splitlines()[0][:100])
    if not (others := len(new) - 1):
        return f"shop: {new[0].title}"
    text = ngettext("{title} and {number} more", "{title} and {number} more", others)
    return "shop: " + text.format(title=new[0].title, number=others)


def _text(new: Sequence[Item], over: Sequence[Alert]) -> str:
    lines = [f"{item.text}\n{settings.SHOP_URL}{item.url}" for item in new]
    return "\n\n".join([*lines, *(gettext("Over: {thing}").format(thing=alert.text) for alert in over)])
