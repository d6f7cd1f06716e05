"""Moments in texts: the one format of dates and times that pages have, with their zone."""

from datetime import datetime

from django.utils import timezone
from django.utils.formats import date_format


def shown(moment: datetime) -> str:
    """Return a moment in the zone of who looks, as ``2026-03-01 14:05 CET``; UTC outside a page."""
    return date_format(timezone.localtime(moment), "DATETIME_FORMAT")
