"""Admin filters with choices from code. The default filters would scan tables of millions of rows."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from shop.messaging.consuming import consumers
from shop.messaging.contracts import Reminder, event_types
from shop.messaging.models import InboxEntry

#: Inbox entries that a filter by consumer searches at most.
LATEST = 100_000


class _KnownValues(admin.SimpleListFilter):
    """Filter of the column ``parameter_name`` by the values that code can write into it."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(**{str(self.parameter_name): self.value()}) if self.value() else queryset


class EventTypeFilter(_KnownValues):
    """Filter of the event log by type."""

    title = _("type")
    parameter_name = "type"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> Iterable[tuple[str, str]]:
        """Return the types that are logged: all but reminders."""
        return [(event.type, event.type) for event in event_types() if not issubclass(event, Reminder)]


class ConsumerFilter(_KnownValues):
    """Filter of the latest inbox entries by consumer.

    The inbox has no index by consumer, and a search for a rare one would scan the whole table.
    """

    title = format_lazy(_("consumer, among the latest {number}"), number=f"{LATEST:,}")
    parameter_name = "consumer"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Filter the latest entries only."""
        if not self.value() or not (last := InboxEntry.objects.order_by("-pk").first()):
            return queryset
        return super().queryset(request, queryset).filter(pk__gt=last.pk - LATEST)

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> Iterable[tuple[str, str]]:
        """Return all registered consumers."""
        return [(consumer.name, consumer.name) for consumer in consumers()]
