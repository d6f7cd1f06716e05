"""Ledger of the stock, and the stock of orders, in the admin: read-only."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from inventory.models import OrderStock, Product, StockMovement
from shop.adminkit.filters import RecentFilter
from shop.adminkit.keyset_lists import KeysetAdmin


@admin.register(StockMovement)
class StockMovementAdmin(KeysetAdmin):
    """Ledger of the stock."""

    list_display = ("at", "product", "kind", "quantity", "order_id", "reason", "actor")
    list_filter = ("kind",)
    list_select_related = ("product",)
    search_fields = ("order_id",)
    search_help_text = _("The SKU of a product or the id of an order")
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
    search_help_text = _("The id of an order")
    ordering = ("-pk",)

    @admin.display(description=_("Wants"))
    def wants(self, order: OrderStock) -> str:
        """Return the lines of the order as text."""
        return ", ".join(f"{line.quantity} x {line.sku}" for line in order.stock_lines)
