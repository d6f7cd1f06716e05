"""Filters by time that also filter by the UUIDv7 primary key, so that its index bounds the scan."""

from datetime import datetime, timedelta
from typing import Any

import django_filters
from django.db.models import QuerySet

from shop.ids import uuid7_at

#: Largest difference between the time in a key and the time of the row.
MAX_SKEW = timedelta(minutes=5)


class SinceFilter(django_filters.IsoDateTimeFilter):  # type: ignore[misc]
    """Filter for rows at or after a moment."""

    def __init__(self, field_name: str, **kwargs: Any) -> None:
        super().__init__(field_name, "gte", **kwargs)

    def filter(self, rows: QuerySet[Any], moment: datetime | None) -> QuerySet[Any]:
        """Filter by column and key; without a moment, return all rows."""
        return super().filter(rows, moment).filter(pk__gte=uuid7_at(moment - MAX_SKEW)) if moment else rows


class UntilFilter(django_filters.IsoDateTimeFilter):  # type: ignore[misc]
    """Filter for rows before a moment."""

    def __init__(self, field_name: str, **kwargs: Any) -> None:
        super().__init__(field_name, "lt", **kwargs)

    def filter(self, rows: QuerySet[Any], moment: datetime | None) -> QuerySet[Any]:
        """Filter by column and key; without a moment, return all rows."""
        return super().filter(rows, moment).filter(pk__lt=uuid7_at(moment + MAX_SKEW)) if moment else rows
