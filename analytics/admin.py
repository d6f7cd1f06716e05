"""Read models in the admin: read-only pages, and a button that rebuilds them."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.utils.formats import number_format
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from analytics import positions, services
from analytics.models import DailySales, JournalEntry, OrderFact, ProductRevenue, ProductSales, Projection
from analytics.order_history import with_status
from shop import journal
from shop.adminkit.filters import RecentFilter
from shop.adminkit.finding import MAX_FOUND, finder
from shop.adminkit.keyset_lists import KeysetAdmin
from shop.adminkit.read_only import ReadOnlyAdmin
from shop.messaging.lag import MAX_WAITING
from shop.postgres.planning import custom_plans


@finder
def orders_by_sku(term: str) -> Iterable[UUID]:
    """Return the latest orders of a product that was ever ordered."""
    skus = {term, term.upper()}
    known = ProductSales.objects.filter(sku__in=skus).order_by("sku").values_list("sku", flat=True)
    for sku in known:
        orders = OrderFact.objects.filter(skus__contains=[sku]).order_by("-order_id")
        with custom_plans():
            yield from orders.values_list("order_id", flat=True)[:MAX_FOUND]


@admin.register(DailySales)
class DailySalesAdmin(ReadOnlyAdmin):
    """Orders, revenue and returns per day, with the button that starts a rebuild."""

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
        "returns_requested",
        "returns_approved",
        "returns_rejected",
        "returns_received",
    )
    list_filter = ("currency", "day")
    date_hierarchy = "day"
    ordering = ("-day", "currency")

    def get_urls(self) -> list[URLPattern]:
        """Add the URL of the rebuild."""
        view = self.admin_site.admin_view(self.rebuild)
        return [path("rebuild/", view, name="analytics_rebuild"), *super().get_urls()]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the button to users who may rebuild."""
        return super().changelist_view(
            request, {**(extra_context or {}), "may_rebuild": self._may_rebuild(request)}
        )

    @method_decorator(require_POST)
    def rebuild(self, request: HttpRequest) -> HttpResponse:
        """Start a rebuild in a worker, and link to its progress."""
        if not self._may_rebuild(request):
            raise PermissionDenied
        try:
            with transaction.atomic():
                journal.record(request, DailySales, "Started a rebuild of the figures.")
                task_id = services.start_rebuild(by=request.user.get_username())
        except services.BROKER_ERRORS as error:
            text = gettext("The rebuild could not be started: {error}").format(error=error)
            self.message_user(request, text, messages.ERROR)
        else:
            results = reverse("admin:django_celery_results_taskresult_changelist")
            text = gettext('A worker rebuilds the figures. <a href="{}?q={}">See its progress.</a>')
            self.message_user(request, format_html(text, results, task_id), messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:analytics_dailysales_changelist"))

    def _may_rebuild(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request) and request.user.has_perm("analytics.rebuild_dailysales")


@admin.register(ProductSales)
class ProductSalesAdmin(ReadOnlyAdmin):
    """Quantities of products that were ordered, sold and restocked."""

    list_display = ("sku", "name", "quantity_ordered", "quantity_sold", "quantity_restocked")
    search_fields = ("=sku", "name")
    ordering = ("-quantity_sold", "sku")


@admin.register(ProductRevenue)
class ProductRevenueAdmin(ReadOnlyAdmin):
    """Ordered revenue of products."""

    list_display = ("sku", "currency", "ordered")
    list_filter = ("currency",)
    search_fields = ("=sku",)
    ordering = ("-ordered", "sku")


@admin.register(OrderFact)
class OrderFactAdmin(KeysetAdmin):
    """Orders as events tell of them, and the times of their steps."""

    list_display = (
        "order_id",
        "number",
        "status",
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
    search_fields = ("order_id", "number")
    ordering = ("-pk",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[OrderFact]:
        """Add the status."""
        return with_status(super().get_queryset(request))

    @admin.display(description=_("status"))
    def status(self, fact: OrderFact) -> str:
        """Return the status that follows from the steps."""
        return str(getattr(fact, "status", ""))


@admin.register(Projection)
class ProjectionAdmin(ReadOnlyAdmin):
    """Projections with version, position in the log, and lag."""

    list_display = readonly_fields = fields = (
        "name",
        "version",
        "newest_version",
        "version_beside",
        "position",
        "log_position",
        "events_waiting",
        "lag",
        "open_dead_letters",
        "rebuilt_at",
    )
    ordering = ("name",)

    @admin.display(description=_("newest version"), empty_value="")
    def newest_version(self, state: Projection) -> int:
        """Return the newest version in the code. If it differs, a rebuild is due."""
        return self._progress(state).newest_version

    @admin.display(description=_("position"), empty_value="")
    def position(self, state: Projection) -> int:
        """Return the position up to which all is consumed, or a dead letter."""
        return self._progress(state).lag.position

    @admin.display(description=_("end of log"), empty_value="")
    def log_position(self, state: Projection) -> int:
        """Return the newest position of the log."""
        return self._progress(state).lag.end

    @admin.display(description=_("events waiting"), empty_value="")
    def events_waiting(self, state: Projection) -> str:
        """Return the number of events that are not consumed yet."""
        waiting = self._progress(state).lag.waiting
        number = number_format(waiting, force_grouping=True)
        return gettext("{number} or more").format(number=number) if waiting == MAX_WAITING else number

    @admin.display(description=_("lag"), empty_value="")
    def lag(self, state: Projection) -> str:
        """Return the age of the oldest event that is not consumed yet."""
        return f"{number_format(self._progress(state).lag.seconds, 1, force_grouping=True)} s"

    @admin.display(description=_("open dead letters"), empty_value="")
    def open_dead_letters(self, state: Projection) -> int:
        """Return the number of events that are missing until an operator replays them."""
        return self._progress(state).lag.open_dead_letters

    @admin.display(description=_("beside it"), empty_value="-")
    def version_beside(self, state: Projection) -> str | None:
        """Return the version beside the live one, with its position and lag."""
        beside = self._progress(state).beside
        if not beside:
            return None
        if not beside.lag:
            return gettext("{version}, being filled").format(version=beside.version)
        return gettext("{version}, at {position}, {seconds} s behind").format(
            version=beside.version,
            position=beside.lag.position,
            seconds=number_format(beside.lag.seconds, 1, force_grouping=True),
        )

    def _progress(self, state: Projection) -> positions.Progress:
        """Return the progress of a row, looked up once for all of its columns."""
        known: positions.Progress | None = getattr(state, "progress", None)
        if known is None:
            known = positions.progress_of(state)
            state.progress = known  # type: ignore[attr-defined]
        return known


@admin.register(JournalEntry)
class JournalEntryAdmin(ReadOnlyAdmin):
    """Journal of a running rebuild or of a second version; empty most of the time."""

    list_display = ("id", "event_id", "written_at")
    search_fields = ("event_id__exact",)
    ordering = ("-pk",)
