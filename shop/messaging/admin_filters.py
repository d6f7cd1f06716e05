"""Filters of the admin that know their choices: nobody reads a table of millions to list what is in it."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from shop.messaging.consuming import consumers
from shop.messaging.contracts import Reminder, event_types
from shop.messaging.models import InboxEntry

#: How many inbox entries are looked through at most.
LATEST = 100_000


class _KnownValues(admin.SimpleListFilter):
    """One of the values that the code can write into the column ``parameter_name``."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(**{str(self.parameter_name): self.value()}) if self.value() else queryset


class EventTypeFilter(_KnownValues):
    title = parameter_name = "type"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> Iterable[tuple[str, str]]:
        """The types of event that can be in the log."""
        return [(event.type, event.type) for event in event_types() if not issubclass(event, Reminder)]


class ConsumerFilter(_KnownValues):
    """Among the latest only: the inbox has no index for it, and some consumers hardly ever consume."""

    title, parameter_name = f"consumer, among the latest {LATEST:,}", "consumer"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if not self.value() or not (last := InboxEntry.objects.order_by("-pk").first()):
            return queryset
        return super().queryset(request, queryset).filter(pk__gt=last.pk - LATEST)

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> Iterable[tuple[str, str]]:
        """The consumers that can have consumed something."""
        return [(consumer.name, consumer.name) for consumer in consumers()]
