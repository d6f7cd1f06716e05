"""Filters of the admin that know their choices: nobody reads a table of millions to list what is in it."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from shop.messaging.consuming import consumers
from shop.messaging.contracts import Reminder, event_types


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
    title = parameter_name = "consumer"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> Iterable[tuple[str, str]]:
        """The consumers that can have consumed something."""
        return [(consumer.name, consumer.name) for consumer in consumers()]
