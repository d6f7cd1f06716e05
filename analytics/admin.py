"""The operators' view of the read models: to be read; operators may have them rebuilt."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.views.decorators.http import require_POST

from analytics import services
from analytics.models import DailySales, JournalEntry, OrderFact, ProductRevenue, ProductSales
from shop.adminkit.filters import RecentFilter
from shop.adminkit.keyset_lists import KeysetAdmin
from shop.adminkit.read_only import ReadOnlyAdmin


@admin.register(DailySales)
class DailySalesAdmin(ReadOnlyAdmin):
    """Orders and revenue per day; from here a rebuild is started."""

    list_display = (
        "day",
        "currency",
        "orders_placed",
        "orders_paid",
        "orders_shipped",
        "orders_delivered",
        "orders_cancelled",
        "revenue_captured",
        "revenue_refunded",
    )
    list_filter = ("currency", "day")
    date_hierarchy = "day"
    ordering = ("-day", "currency")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.rebuild)
        return [path("rebuild/", view, name="analytics_rebuild"), *super().get_urls()]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return super().changelist_view(
            request, {**(extra_context or {}), "may_rebuild": self._may_rebuild(request)}
        )

    @method_decorator(require_POST)
    def rebuild(self, request: HttpRequest) -> HttpResponse:
        """Have a worker rebuild the read models, and say where its progress is to be seen."""
        if not self._may_rebuild(request):
            raise PermissionDenied
        try:
            task_id = services.start_rebuild(by=request.user.get_username())
        except services.BROKER_ERRORS as error:
            self.message_user(request, f"The rebuild could not be started: {error}", messages.ERROR)
        else:
            results = reverse("admin:django_celery_results_taskresult_changelist")
            text = 'A worker rebuilds the figures. <a href="{}?q={}">See how far it is.</a>'
            self.message_user(request, format_html(text, results, task_id), messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:analytics_dailysales_changelist"))

    def _may_rebuild(self, request: HttpRequest) -> bool:
        return request.user.has_perm("analytics.rebuild_dailysales")


@admin.register(ProductSales)
class ProductSalesAdmin(ReadOnlyAdmin):
    """How products sell."""

    list_display = ("sku", "name", "quantity_ordered", "quantity_sold", "quantity_restocked")
    search_fields = ("=sku", "name")
    ordering = ("-quantity_sold", "sku")


@admin.register(ProductRevenue)
class ProductRevenueAdmin(ReadOnlyAdmin):
    """What was ordered of products, in money."""

    list_display = ("sku", "currency", "ordered")
    list_filter = ("currency",)
    search_fields = ("=sku",)
    ordering = ("-ordered", "sku")


@admin.register(OrderFact)
class OrderFactAdmin(KeysetAdmin):
    """When each order took its steps."""

    list_display = (
        "order_id",
        "total",
        "currency",
        "placed_at",
        "paid_at",
        "stocked_at",
        "shipped_at",
        "delivered_at",
        "cancelled_at",
    )
    list_filter = (RecentFilter,)
    search_fields = ("order_id",)
    ordering = ("-pk",)


@admin.register(JournalEntry)
class JournalEntryAdmin(ReadOnlyAdmin):
    """What is consumed while a rebuild runs; empty most of the time."""

    list_display = ("id", "event_id", "written_at")
    search_fields = ("event_id__exact",)
    ordering = ("-pk",)
