"""Filters of admin lists."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from shop.ids import uuid7_at


class RecentFilter(admin.SimpleListFilter):
    """Filter by age, on the primary key: a UUIDv7 contains the time of its creation."""

    title = "time"
    parameter_name = "since"
    _DAYS = {"1": "The past day", "7": "The past 7 days", "30": "The past 30 days", "365": "The past year"}

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> Iterable[tuple[str, str]]:
        """Return the time spans to choose from."""
        return self._DAYS.items()

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the rows created within the chosen time span."""
        if self.value() not in self._DAYS:
            return queryset
        since = datetime.now(UTC) - timedelta(days=int(self.value() or 0))
        return queryset.filter(pk__gte=uuid7_at(since))
