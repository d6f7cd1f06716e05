"""Filters by time that end where the time does, however many rows are newer: by the key, a UUIDv7."""

from datetime import datetime, timedelta
from typing import Any

import django_filters
from django.db.models import QuerySet

from shop.ids import uuid7_at

#: By so much the time in a key may differ from the time that the row says.
SLACK = timedelta(minutes=5)


class SinceFilter(django_filters.IsoDateTimeFilter):  # type: ignore[misc]
    """At or after a moment."""

    def __init__(self, field_name: str, **kwargs: Any) -> None:
        super().__init__(field_name, "gte", **kwargs)

    def filter(self, rows: QuerySet[Any], moment: datetime | None) -> QuerySet[Any]:
        return super().filter(rows, moment).filter(pk__gte=uuid7_at(moment - SLACK)) if moment else rows


class UntilFilter(django_filters.IsoDateTimeFilter):  # type: ignore[misc]
    """Before a moment."""

    def __init__(self, field_name: str, **kwargs: Any) -> None:
        super().__init__(field_name, "lt", **kwargs)

    def filter(self, rows: QuerySet[Any], moment: datetime | None) -> QuerySet[Any]:
        return super().filter(rows, moment).filter(pk__lt=uuid7_at(moment + SLACK)) if moment else rows
