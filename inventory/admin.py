"""Catalogue in the admin: products can be edited, and their stock adjusted; the ledger is in admin_stock."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from inventory import admin_bookings, admin_categories, admin_products, admin_stock, services
from inventory.models import Category, Product
from shop import journal
from shop.adminkit import csv_export
from shop.adminkit.bounded_actions import BoundedActions
from shop.adminkit.conflicts import ConflictAware
from shop.adminkit.read_only import CappedPaginator
from shop.currencies import fits

__all__ = ["ProductAdmin", "admin_categories", "admin_stock"]

#: Products with a stock below this are shown as scarce.
SCARCE = 10


class StockFilter(admin.SimpleListFilter):
    """Filter by the level of the stock."""

    title = _("stock")
    parameter_name = "stock"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the levels with their labels."""
        return [
            ("none", gettext("Sold out")),
            ("scarce", gettext("Less than {scarce}").format(scarce=SCARCE)),
            ("plenty", gettext("{scarce} or more").format(scarce=SCARCE)),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Product]) -> QuerySet[Product]:
        """Restrict the list to the chosen level."""
        ranges: dict[str | None, dict[str, int]] = {
            "none": {"available": 0},
            "scarce": {"available__lt": SCARCE},
            "plenty": {"available__gte": SCARCE},
        }
        return queryset.filter(**ranges.get(self.value(), {}))


class ProductForm(forms.ModelForm[Product]):
    """Terms on which a product is sold, and the reason for a change."""

    reason = forms.CharField(
        label=_("Reason"),
        required=False,
        max_length=200,
        help_text=_("Why it changes. It stands in the history of the product."),
    )


@admin.register(Product)
class ProductAdmin(ConflictAware, BoundedActions):
    """Catalogue. A product's offer can be edited; its stock is adjusted with a reason."""

    form = ProductForm
    list_display = (
        "thumbnail",
        "sku",
        "name",
        "category",
        "price_with_currency",
        "available",
        "reserved",
        "stock_status",
        "active",
    )
    list_display_links = ("sku", "name")
    list_select_related = ("category",)
    list_filter = ("active", "category", StockFilter, "backorderable", "currency")
    search_fields = ("sku", "name", "description")
    ordering = ("sku",)
    actions = ("put_on_sale", "take_off_sale")
    show_full_result_count = False
    paginator = CappedPaginator
    fieldsets = (
        (None, {"fields": ("sku", "name", "category", "description", "picture")}),
        (_("Sale"), {"fields": (("price", "currency"), "active", "backorderable")}),
        (_("Stock"), {"fields": (("on_hand", "reserved", "available", "initial_stock"), "created_at")}),
    )

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        """Leave the stock out for users who may not see it."""
        stock = {} if self.may_see_stock(request) else {"available", "reserved", "stock_status"}
        return tuple(name for name in self.list_display if name not in stock)

    def get_list_filter(self, request: HttpRequest) -> tuple[Any, ...]:
        """Offer the filter by stock to users who may see it."""
        return self.list_filter if self.may_see_stock(request) else ("active", "category", "currency")

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        """Refuse filters in the URL that would tell the stock to users who may not see it."""
        if lookup.startswith(
            ("available", "reserved", "initial_stock", "movements")
        ) and not self.may_see_stock(request):
            return False
        return super().lookup_allowed(lookup, value, request)

    def get_fieldsets(self, request: HttpRequest, obj: Product | None = None) -> Any:
        """Leave the stock out for users who may not see it."""
        shown = self.fieldsets if self.may_see_stock(request) else self.fieldsets[:-1]
        return (*shown, (gettext("Change"), {"fields": ("reason",)})) if obj else shown

    def get_readonly_fields(self, request: HttpRequest, obj: Product | None = None) -> tuple[str, ...]:
        """Make SKU and currency of a known product read-only; the stock is adjusted elsewhere."""
        known = ("sku", "currency") if obj else ()
        is_given = not obj and request.user.has_perm("inventory.adjust_stock")
        return (
            "on_hand",
            "reserved",
            "available",
            "created_at",
            *known,
            *(() if is_given else ("initial_stock",)),
        )

    @admin.display(description=_("On hand"))
    def on_hand(self, product: Product) -> int:
        """Return how many there are, those that are reserved included."""
        return product.on_hand

    def may_see_stock(self, request: HttpRequest) -> bool:
        """Tell whether the user may see how much there is of a product."""
        return request.user.has_perm("inventory.view_stock")

    def may_adjust_stock(self, request: HttpRequest) -> bool:
        """Tell whether the user may adjust the stock of a product."""
        return request.user.has_perms(["inventory.view_stock", "inventory.adjust_stock"])

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Offer the adjustment to users who may make it."""
        context = {**(extra_context or {}), "may_adjust": self.may_adjust_stock(request)}
        return super().change_view(request, object_id, form_url, context)

    def has_delete_permission(self, request: HttpRequest, obj: Product | None = None) -> bool:
        """Forbid deletion: movements refer to products."""
        return False

    def save_model(
        self, request: HttpRequest, obj: Product, form: forms.ModelForm[Any], change: bool
    ) -> None:
        """Write only what this form has changed: stock and offer may have changed since it was opened."""
        if change:
            obj.save(update_fields=[name for name in form.changed_data if name != "reason"])
            return
        given = {name: value for name, value in form.cleaned_data.items() if name != "reason"}
        stock, category = given.pop("initial_stock", 0), given.pop("category", None)
        slug = category.pk if category else ""
        obj.pk = services.add_product(**given, category=slug, stock=stock).pk

    def construct_change_message(
        self, request: HttpRequest, form: Any, formsets: Any, add: bool = False
    ) -> Any:
        """Tell of a change what was before, what is now, and why."""
        changed = [name for name in form.changed_data if name != "reason"]
        if add or not changed:
            return super().construct_change_message(request, form, formsets, add)
        told = (f"{name}: {_told(form.initial[name])} → {_told(form.cleaned_data[name])}" for name in changed)
        reason = form.cleaned_data.get("reason")
        return f"Changed {', '.join(told)}.{f' Reason: {reason}' if reason else ''}"

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """Offer the import of a file to users who may book stock; or send the list as a file."""
        wanted = request.GET.copy()
        if wanted.pop(csv_export.PARAMETER, None) and self.has_view_or_change_permission(request):
            request.GET = wanted  # type: ignore[assignment]  # the list would take it for a filter
            return admin_products.export_products(self, request)
        context = {**(extra_context or {}), "may_adjust": self.may_adjust_stock(request)}
        return super().changelist_view(request, context)

    def get_urls(self) -> list[URLPattern]:
        """Add the URLs of the bookings: of one product, and of a file."""
        adjust = self.admin_site.admin_view(self.adjust_stock)
        import_file = self.admin_site.admin_view(self.import_stock)
        picture = self.admin_site.admin_view(self.choose_picture)
        from_file = self.admin_site.admin_view(self.import_products)
        return [
            path("<uuid:product_id>/adjust/", adjust, name="inventory_product_adjust"),
            path("<uuid:product_id>/picture/", picture, name="inventory_product_picture"),
            path("import/", import_file, name="inventory_product_import"),
            path("import-products/", from_file, name="inventory_product_import_products"),
            *super().get_urls(),
        ]

    def adjust_stock(self, request: HttpRequest, product_id: str) -> HttpResponse:
        """Ask what happened to the stock of a product, then book it."""
        product = get_object_or_404(Product, pk=product_id)
        if not self.may_adjust_stock(request):
            raise PermissionDenied
        return admin_bookings.book_one(self, request, product)

    def import_stock(self, request: HttpRequest) -> HttpResponse:
        """Ask for a file of bookings, show what it would do, then book it."""
        if not self.may_adjust_stock(request):
            raise PermissionDenied
        return admin_bookings.import_file(self, request)

    def choose_picture(self, request: HttpRequest, product_id: str) -> HttpResponse:
        """Ask for a picture, and give it to the product."""
        product = get_object_or_404(Product, pk=product_id)
        if not self.has_change_permission(request, product):
            raise PermissionDenied
        return admin_products.choose_picture(self, request, product)

    def import_products(self, request: HttpRequest) -> HttpResponse:
        """Ask for a file of products, show what it would do, then take it over."""
        if not (self.has_add_permission(request) and self.has_change_permission(request)):
            raise PermissionDenied
        return admin_products.import_products(self, request)

    @admin.action(description=_("Put on sale"), permissions=["change"])
    def put_on_sale(self, request: HttpRequest, queryset: QuerySet[Product]) -> None:
        """Make the selected products available to customers."""
        for product in queryset:
            if not fits(product.price, product.currency):
                messages.error(
                    request,
                    gettext("{product} stays off sale: {price_text} is no price.").format(
                        product=product, price_text=product.price_text
                    ),
                )
                queryset = queryset.exclude(pk=product.pk)
        messages.success(
            request, gettext("On sale: {offer} products.").format(offer=self._offer(request, queryset, True))
        )

    @admin.action(description=_("Take off sale"), permissions=["change"])
    def take_off_sale(self, request: HttpRequest, queryset: QuerySet[Product]) -> None:
        """Hide the selected products from customers."""
        messages.success(
            request,
            gettext("Off sale: {offer} products.").format(offer=self._offer(request, queryset, False)),
        )

    @transaction.atomic
    def _offer(self, request: HttpRequest, queryset: QuerySet[Product], active: bool) -> int:
        products = list(queryset.select_for_update(of=["self"]))
        for product in products:
            journal.record(request, product, "Put on sale." if active else "Taken off sale.")
        keys = [product.pk for product in products]
        return Product.objects.filter(pk__in=keys).update(active=active)

    @admin.display(description=_("Picture"))
    def thumbnail(self, product: Product) -> str:
        """Return the picture, small: an uploaded one, or an emoji."""
        if product.picture.startswith("/"):
            return format_html('<img src="{}" alt="" width="40" height="40" loading="lazy">', product.picture)
        return product.picture if not product.picture.isascii() else ""

    @admin.display(description=_("Price"), ordering="price")
    def price_with_currency(self, product: Product) -> str:
        """Return the price with its currency."""
        return product.price_text

    @admin.display(description=_("Stock"))
    def stock_status(self, product: Product) -> str:
        """Return the level of the stock, in bold if it is low."""
        if product.available >= SCARCE:
            return gettext("in stock")
        level = gettext("scarce") if product.available else gettext("sold out")
        return format_html("<strong>{}</strong>", level)


def _told(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = value.pk if isinstance(value, Category) else value
    return str(text or "")[:80] or "empty"
