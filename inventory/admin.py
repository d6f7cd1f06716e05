"""Catalogue and stock in the admin: products can be edited and adjusted, the ledger is read-only."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html

from inventory import services
from inventory.errors import InventoryError
from inventory.models import MAX_STOCK, OrderStock, Product, StockMovement
from shop import journal
from shop.adminkit.bounded_actions import BoundedActions
from shop.adminkit.conflicts import ConflictAware
from shop.adminkit.filters import RecentFilter
from shop.adminkit.keyset_lists import KeysetAdmin
from shop.adminkit.read_only import CappedPaginator
from shop.currencies import fits
from shop.rest.idempotency.forms import AlreadyDone, OneTimeForm, take_effect_once

#: Products with a stock below this are shown as scarce.
SCARCE = 10


class StockFilter(admin.SimpleListFilter):
    """Filter by the level of the stock."""

    title = "stock"
    parameter_name = "stock"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the levels with their labels."""
        return [("none", "Sold out"), ("scarce", f"Less than {SCARCE}"), ("plenty", f"{SCARCE} or more")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Product]) -> QuerySet[Product]:
        """Restrict the list to the chosen level."""
        ranges: dict[str | None, dict[str, int]] = {
            "none": {"available": 0},
            "scarce": {"available__lt": SCARCE},
            "plenty": {"available__gte": SCARCE},
        }
        return queryset.filter(**ranges.get(self.value(), {}))


class AdjustmentForm(OneTimeForm):
    """Quantity and reason of a correction of the stock."""

    quantity = forms.IntegerField(
        min_value=-MAX_STOCK, max_value=MAX_STOCK, help_text="Positive for more, negative for less."
    )
    reason = forms.CharField(max_length=200, help_text="Stored with the movement.")


@admin.register(Product)
class ProductAdmin(ConflictAware, BoundedActions):
    """Catalogue. A product's offer can be edited; its stock is adjusted with a reason."""

    list_display = ("sku", "name", "price_with_currency", "available", "reserved", "stock_status", "active")
    list_display_links = ("sku", "name")
    list_filter = ("active", StockFilter, "currency")
    search_fields = ("sku", "name", "description")
    ordering = ("sku",)
    actions = ("put_on_sale", "take_off_sale")
    show_full_result_count = False
    paginator = CappedPaginator
    fieldsets = (
        (None, {"fields": ("sku", "name", "description", "picture")}),
        ("Sale", {"fields": (("price", "currency"), "active")}),
        ("Stock", {"fields": (("on_hand", "reserved", "available", "initial_stock"), "created_at")}),
    )

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        """Leave the stock out for users who may not see it."""
        stock = {} if self.may_see_stock(request) else {"available", "reserved", "stock_status"}
        return tuple(name for name in self.list_display if name not in stock)

    def get_list_filter(self, request: HttpRequest) -> tuple[Any, ...]:
        """Offer the filter by stock to users who may see it."""
        return self.list_filter if self.may_see_stock(request) else ("active", "currency")

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        """Refuse filters in the URL that would tell the stock to users who may not see it."""
        if lookup.startswith(
            ("available", "reserved", "initial_stock", "movements")
        ) and not self.may_see_stock(request):
            return False
        return super().lookup_allowed(lookup, value, request)

    def get_fieldsets(self, request: HttpRequest, obj: Product | None = None) -> Any:
        """Leave the stock out for users who may not see it."""
        return self.fieldsets if self.may_see_stock(request) else self.fieldsets[:-1]

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
            obj.save(update_fields=form.changed_data)
            return
        given = dict(form.cleaned_data)
        stock = given.pop("initial_stock", 0)
        obj.pk = services.add_product(**given, stock=stock).pk

    def get_urls(self) -> list[URLPattern]:
        """Add the URL of the adjustment."""
        adjust = self.admin_site.admin_view(self.adjust_stock)
        return [
            path("<uuid:product_id>/adjust/", adjust, name="inventory_product_adjust"),
            *super().get_urls(),
        ]

    def adjust_stock(self, request: HttpRequest, product_id: str) -> HttpResponse:
        """Ask for quantity and reason, then adjust the stock."""
        product = get_object_or_404(Product, pk=product_id)
        if not self.may_adjust_stock(request):
            raise PermissionDenied
        form = AdjustmentForm(request.POST or None)
        if request.method == "POST" and form.is_valid() and self._try_to_adjust(request, product, form):
            return HttpResponseRedirect(reverse("admin:inventory_product_change", args=[product.pk]))
        context = {
            **self.admin_site.each_context(request),
            "title": f"Adjust the stock of {product}",
            "opts": self.opts,
            "original": product,
            "form": form,
        }
        return TemplateResponse(request, "admin/inventory/product/adjust.html", context)

    def _try_to_adjust(self, request: HttpRequest, product: Product, form: AdjustmentForm) -> bool:
        quantity, reason = form.cleaned_data["quantity"], form.cleaned_data["reason"]

        def adjust() -> None:
            adjusted = services.adjust_stock(
                sku=product.sku, quantity=quantity, reason=reason, actor=request.user.get_username()
            )
            journal.record(request, adjusted, f"Adjusted the stock: {quantity:+}, {reason}")

        try:
            take_effect_once(request, form, adjust)
        except InventoryError as error:
            form.add_error("quantity", str(error))
            return False
        except AlreadyDone as error:
            messages.warning(request, str(error))
        product.refresh_from_db()
        messages.success(request, f"There are {product.available} of {product} now.")
        return True

    @admin.action(description="Put on sale", permissions=["change"])
    def put_on_sale(self, request: HttpRequest, queryset: QuerySet[Product]) -> None:
        """Make the selected products available to customers."""
        for product in queryset:
            if not fits(product.price, product.currency):
                messages.error(request, f"{product} stays off sale: {product.price_text} is no price.")
                queryset = queryset.exclude(pk=product.pk)
        messages.success(request, f"On sale: {self._offer(request, queryset, True)} products.")

    @admin.action(description="Take off sale", permissions=["change"])
    def take_off_sale(self, request: HttpRequest, queryset: QuerySet[Product]) -> None:
        """Hide the selected products from customers."""
        messages.success(request, f"Off sale: {self._offer(request, queryset, False)} products.")

    @transaction.atomic
    def _offer(self, request: HttpRequest, queryset: QuerySet[Product], active: bool) -> int:
        products = list(queryset.select_for_update())
        for product in products:
            journal.record(request, product, "Put on sale." if active else "Taken off sale.")
        keys = [product.pk for product in products]
        return Product.objects.filter(pk__in=keys).update(active=active)

    @admin.display(description="Price", ordering="price")
    def price_with_currency(self, product: Product) -> str:
        """Return the price with its currency."""
        return product.price_text

    @admin.display(description="Stock")
    def stock_status(self, product: Product) -> str:
        """Return the level of the stock, in bold if it is low."""
        if product.available >= SCARCE:
            return "in stock"
        return format_html("<strong>{}</strong>", "scarce" if product.available else "sold out")


@admin.register(StockMovement)
class StockMovementAdmin(KeysetAdmin):
    """Ledger of the stock."""

    list_display = ("at", "product", "kind", "quantity", "order_id", "reason", "actor")
    list_filter = ("kind",)
    list_select_related = ("product",)
    search_fields = ("order_id",)
    search_help_text = "The SKU of a product or the id of an order"
    ordering = ("-pk",)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[StockMovement], search_term: str
    ) -> tuple[QuerySet[StockMovement], bool]:
        """Resolve a SKU to its product first, so that the index by product is used."""
        if product := Product.objects.filter(sku=search_term.strip()).first():
            return queryset.filter(product=product.pk), False
        return super().get_search_results(request, queryset, search_term)


@admin.register(OrderStock)
class OrderStockAdmin(KeysetAdmin):
    """Lines of orders, and the states of their deduction."""

    list_display = ("order_id", "state", "wants", "changed_at")
    list_filter = ("state", RecentFilter)
    search_fields = ("order_id",)
    search_help_text = "The id of an order"
    ordering = ("-pk",)

    @admin.display(description="Wants")
    def wants(self, order: OrderStock) -> str:
        """Return the lines of the order as text."""
        return ", ".join(f"{line.quantity} x {line.sku}" for line in order.stock_lines)
