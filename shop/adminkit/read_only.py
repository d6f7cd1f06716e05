"""Read-only admin pages, and a paginator with a capped count."""

from functools import cached_property
from typing import Any

from django.contrib import admin
from django.contrib.auth import get_permission_codename
from django.core.paginator import Paginator
from django.db.models import Model
from django.http import HttpRequest

from shop.adminkit.bounded_actions import BoundedActions


class CappedPaginator(Paginator[Any]):
    """Paginator that stops counting at a cap, so that a list of any length opens quickly."""

    #: Largest count.
    cap = 10_000

    @cached_property
    def count(self) -> int:
        """Number of rows, at most the cap."""
        rows: Any = self.object_list
        counted: int = rows.order_by()[: self.cap].count()
        return counted


class ReadOnly(admin.options.BaseModelAdmin[Any]):
    """Base of read-only pages and inlines."""

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[Any]:
        """Return the named fields; by default all columns, including those that are not editable."""
        named: list[Any] = list(super().get_readonly_fields(request, obj))
        return named or [field.name for field in self.opts.concrete_fields]

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Ask for the permission to view, of an inline for that of its page.

        Django takes the permission to change for one to view, the REST API does not.
        """
        opts = getattr(self, "parent_model", self.model)._meta
        return request.user.has_perm(f"{opts.app_label}.{get_permission_codename('view', opts)}")

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Refuse to add rows."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Refuse to change rows."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Refuse to delete rows."""
        return False


class ReadOnlyAdmin(ReadOnly, BoundedActions):
    """Read-only list and detail page of rows that only the system writes."""

    paginator = CappedPaginator
    show_full_result_count = False
    list_per_page = 50
