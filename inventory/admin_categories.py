"""Categories of the catalogue in the admin."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext

from inventory.models import Category, Product
from shop.adminkit.bounded_actions import BoundedActions
from shop.adminkit.conflicts import ConflictAware

#: Products that a refused deletion names.
_NAMED = 10


@admin.register(Category)
class CategoryAdmin(ConflictAware, BoundedActions):
    """Categories. One that has products cannot be deleted."""

    list_display = ("name", "slug", "position")
    search_fields = ("name", "slug")
    ordering = ("position", "slug")

    def get_readonly_fields(self, request: HttpRequest, obj: Category | None = None) -> tuple[str, ...]:
        """Make the slug of a known category read-only: URLs and files have it."""
        return ("slug",) if obj else ()

    def get_deleted_objects(self, objs: Iterable[Category], request: HttpRequest) -> Any:
        """Look for products, of which there may be many, and name a few."""
        categories = list(objs)
        used = Product.objects.filter(category__in=categories).order_by("sku")[: _NAMED + 1]
        products = [str(product) for product in used]
        if len(products) > _NAMED:
            products[_NAMED:] = [gettext("and more: move all of them to another category first")]
        lacking = () if self.has_delete_permission(request) else (str(self.opts.verbose_name),)
        shown = [str(category) for category in categories]
        return shown, {self.opts.verbose_name_plural: len(categories)}, set(lacking), products
