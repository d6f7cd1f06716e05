"""Language of letters: that of the shop. They go out long after the customer's page was shown."""

from datetime import datetime
from functools import cache, lru_cache

from django.conf import settings
from django.utils import timezone, translation
from django.utils.dateformat import format as formatted
from django.utils.formats import get_format
from django.utils.translation import gettext, pgettext

from shop.messaging.contracts import Money


def in_letters() -> translation.override:
    """Switch to the language of letters."""
    return translation.override(settings.SHOP_LANGUAGE)


@lru_cache(maxsize=1000)
def translated(language: str, text: str) -> str:
    """Translate a text. Django's own way from language to text costs more than the rest of a letter."""
    with translation.override(language):
        return gettext(text)


def amount_of(money: Money) -> str:
    """Return an amount as text; none for an order that costs nothing."""
    return amount_text(money) if money.amount else ""


def amount_text(money: Money) -> str:
    """Return an amount as text, nothing as well."""
    return str(money).replace(".", _decimal_separator(settings.SHOP_LANGUAGE))


@cache
def _decimal_separator(language: str) -> str:
    return str(get_format("DECIMAL_SEPARATOR", language))


def day_of(time: datetime) -> str:
    """Return the day of a time, with the zone in which it is that day."""
    there = timezone.localtime(time)
    with in_letters():
        day = formatted(there, pgettext("format of a day", "j F Y"))
    return f"{day} ({there:%Z})"
