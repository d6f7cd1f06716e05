"""Strict filters; those by time also filter by the UUIDv7 primary key, so that its index bounds the scan."""

import re
from datetime import datetime, timedelta
from typing import Any

import django_filters
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema_field

from shop.ids import uuid7_at

#: Largest difference between the time in a key and the time of the row.
MAX_SKEW = timedelta(minutes=5)


#: A time of RFC 3339. Its year has been checked, see shop/web/limits.py.
_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


class MomentField(django_filters.fields.IsoDateTimeField):  # type: ignore[misc]
    """A time with its zone: without one it would be a guess."""

    default_error_messages = {"invalid": "Write the time with its zone, as in 2026-11-28T12:00:00Z."}

    def to_python(self, value: Any) -> datetime | None:
        """Refuse what RFC 3339 does not know."""
        if value and not _TIME.fullmatch(value):
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        moment: datetime | None = super().to_python(value)
        return moment


@extend_schema_field({"type": "boolean"})
class BooleanFilter(django_filters.TypedChoiceFilter):  # type: ignore[misc]
    """``true`` or ``false``; anything else is refused, not ignored."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        choices = [("true", "Yes"), ("false", "No")]
        super().__init__(*args, choices=choices, coerce=lambda value: value == "true", **kwargs)


class SinceFilter(django_filters.IsoDateTimeFilter):  # type: ignore[misc]
    """Filter for rows at or after a moment."""

    field_class = MomentField

    def __init__(self, field_name: str, **kwargs: Any) -> None:
        super().__init__(field_name, "gte", **kwargs)

    def filter(self, rows: QuerySet[Any], moment: datetime | None) -> QuerySet[Any]:
        """Filter by column and key; without a moment, return all rows."""
        return super().filter(rows, moment).filter(pk__gte=uuid7_at(moment - MAX_SKEW)) if moment else rows


class MomentFilter(django_filters.IsoDateTimeFilter):  # type: ignore[misc]
    """Filter by a column of times."""

    field_class = MomentField


class UntilFilter(django_filters.IsoDateTimeFilter):  # type: ignore[misc]
    """Filter for rows before a moment."""

    field_class = MomentField

    def __init__(self, field_name: str, **kwargs: Any) -> None:
        super().__init__(field_name, "lt", **kwargs)

    def filter(self, rows: QuerySet[Any], moment: datetime | None) -> QuerySet[Any]:
        """Filter by column and key; without a moment, return all rows."""
        return super().filter(rows, moment).filter(pk__lt=uuid7_at(moment + MAX_SKEW)) if moment else rows
