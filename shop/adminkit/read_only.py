"""What the admin pages of all apps share: rows to be looked at, at a cost that does not grow with them."""

from functools import cached_property
from typing import Any

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import Model
from django.http import HttpRequest


class CappedPaginator(Paginator[Any]):
    """Counts no further than anybody would page, so that a list opens at once however long it is."""

    cap = 10_000

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        counted: int = rows.order_by()[: self.cap].count()
        return counted


class ReadOnly(admin.options.BaseModelAdmin[Any]):
    """For pages and inlines of what nobody adds, changes or deletes by hand."""

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[Any]:
        """Show every column where none are named, also those that no form would."""
        named: list[Any] = list(super().get_readonly_fields(request, obj))
        return named or [field.name for field in self.opts.concrete_fields]

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class ReadOnlyAdmin(ReadOnly, admin.ModelAdmin[Any]):
    """A list and a page of rows that the system alone writes."""

    paginator = CappedPaginator
    show_full_result_count = False
    list_per_page = 50
