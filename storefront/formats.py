"""Formats of times on the storefront, in the page's language."""

from datetime import datetime

from django.utils.dateformat import format as formatted
from django.utils.translation import pgettext


def moment(time: datetime) -> str:
    """Format a time with the month's name."""
    return formatted(time, pgettext("format of a time", "j F Y, H:i")) + " UTC"


def short_moment(time: datetime) -> str:
    """Format a time with the month's short name."""
    return formatted(time, pgettext("format of a time", "j M Y, H:i")) + " UTC"


def day_of(time: datetime) -> str:
    """Format the day of a time."""
    return formatted(time, pgettext("format of a day", "j F Y"))
