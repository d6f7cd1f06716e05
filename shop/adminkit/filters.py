"""Filters of admin lists."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from shop.ids import uuid7_at


class RecentFilter(admin.SimpleListFilter):
    """Filter by age, on the primary key: a UUIDv7 contains the time of its creation."""

    title = _("time")
    parameter_name = "since"
    _DAYS = {
        "1": _("The past day"),
        "7": _("The past 7 days"),
        "30": _("The past 30 days"),
        "365": _("The past year"),
    }

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> Iterable[tuple[str, str]]:
        """Return the time spans to choose from."""
        return [(days, str(label)) for days, label in self._DAYS.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the rows created within the chosen time span."""
        if self.value() not in self._DAYS:
            return queryset
        since = datetime.now(UTC) - timedelta(days=int(self.value() or 0))
        return queryset.filter(pk__gte=uuid7_at(since))
