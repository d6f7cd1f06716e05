"""Admin of shipping: read-only pages of shipments and the simulated carrier, and voids of shipments."""

from collections.abc import Collection, Iterable
from functools import partial
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from shipping import services
from shipping.errors import (
    CarrierError,
    CarrierTimeout,
    CarrierUnavailable,
    NoLabel,
    NotStoppable,
    ShippingError,
)
from shipping.models import (
    STATUSES,
    CarrierFault,
    EasyPostBooking,
    Shipment,
    SimulatedLabel,
    TrackingEvent,
)
from shipping.paper import paper_response
from shop import journal
from shop.adminkit.conflicts import ConflictAware
from shop.adminkit.filters import RecentFilter
from shop.adminkit.finding import MAX_FOUND, finder, names
from shop.adminkit.keyset_lists import KeysetAdmin
from shop.adminkit.order_links import LeadsToOrders
from shop.adminkit.read_only import ReadOnly
from shop.adminkit.theme import ModelAdmin, TabularInline


@finder
def orders_by_tracking_number(term: str) -> Iterable[UUID]:
    """Return the orders whose parcel has a tracking number."""
    parcels = Shipment.objects.filter(tracking_number__in={term, term.upper()} - {""})
    return parcels.values_list("order_id", flat=True)[:MAX_FOUND]


@names("tracking")
def tracking_numbers(order_ids: Collection[UUID]) -> dict[UUID, str]:
    """Return the tracking numbers of orders, of the latest parcel each."""
    parcels = Shipment.objects.filter(order_id__in=order_ids).order_by("round")
    return dict(parcels.values_list("order_id", "tracking_number"))


class TrackingFilter(admin.SimpleListFilter):
    """Filter of shipments by the status of the last scan, and by the state that goes with it."""

    title = _("tracking status")
    parameter_name = "tracking_status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the statuses of parcels."""
        return list(Shipment._meta.get_field("tracking_status").flatchoices)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Shipment]) -> QuerySet[Shipment]:
        """Return the shipments whose last scan has the selected status."""
        if self.value() not in dict(STATUSES):
            return queryset
        status = str(self.value())
        return queryset.filter(tracking_status=status, state=Shipment.state_with(status))


class TrackingEventInline(ReadOnly, TabularInline[TrackingEvent, Shipment]):
    """Tracking events on the page of their shipment."""

    model = TrackingEvent
    fields = ("status", "time")


@admin.register(Shipment)
class ShipmentAdmin(LeadsToOrders, KeysetAdmin):
    """Read-only pages of shipments, with labels to print and an action to void those that have not left."""

    list_display = (
        "order_page",
        "state",
        "carrier",
        "tracking_number",
        "tracking_status",
        "country",
        "failure_code",
        "stop_reason",
        "created_at",
    )
    list_filter = ("state", TrackingFilter, ("stop_reason", admin.EmptyFieldListFilter), RecentFilter)
    search_fields = ("order_number", "order_id", "id", "tracking_number")
    ordering = ("-id",)
    list_display_links = ("state",)
    inlines = (TrackingEventInline,)
    actions = ("void",)

    def may_print(self, request: HttpRequest) -> bool:
        """Tell whether the user may print labels."""
        return self.has_view_permission(request) and request.user.has_perm("shipping.print_label")

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Offer the label to users who may print it."""
        context = {**(extra_context or {}), "may_print": self.may_print(request)}
        return super().change_view(request, object_id, form_url, context)

    def get_urls(self) -> list[URLPattern]:
        """Add the URL of labels."""
        view = self.admin_site.admin_view(self.label)
        return [path("<uuid:shipment_id>/label/", view, name="shipping_shipment_label"), *super().get_urls()]

    def label(self, request: HttpRequest, shipment_id: UUID) -> HttpResponse:
        """Answer the label of a parcel; go back to its page, with the reason, if there is none."""
        if not self.may_print(request):
            raise PermissionDenied
        shipment = get_object_or_404(Shipment, pk=shipment_id)
        try:
            return paper_response(shipment, services.paper_of(shipment_id=shipment_id))
        except (NoLabel, CarrierError) as error:
            text = gettext("No label: {error}").format(error=_refusal(error))
            self.message_user(request, text, messages.WARNING)
            return HttpResponseRedirect(reverse("admin:shipping_shipment_change", args=[shipment_id]))

    def has_void_permission(self, request: HttpRequest) -> bool:
        """Tell whether the user may void shipments."""
        return request.user.has_perm("shipping.void_shipment")

    @admin.action(description=_("Void the selected shipments that have not left"), permissions=["void"])
    def void(self, request: HttpRequest, queryset: QuerySet[Shipment]) -> None:
        """Void shipments that have not left; warn about those that have."""
        note = partial(journal.record, request, text="Requested to void the shipment.")
        for shipment in queryset:
            try:
                services.void_shipment(shipment_id=shipment.id, note=note)
            except (NotStoppable, CarrierError) as error:
                self.message_user(request, f"{shipment}: {_refusal(error)}", messages.WARNING)
            else:
                self.message_user(
                    request, gettext("{shipment} will not leave.").format(shipment=shipment), messages.SUCCESS
                )


def _refusal(error: ShippingError) -> str:
    """Return why something was not done; what a carrier says stays as it says it."""
    if isinstance(error, CarrierTimeout | CarrierUnavailable):
        return gettext("the carrier does not answer: try again in a moment")
    return str(error)


@admin.register(TrackingEvent)
class TrackingEventAdmin(KeysetAdmin):
    """Read-only pages of tracking events."""

    list_display = ("shipment", "status", "time")
    list_select_related = ("shipment",)
    search_fields = ("shipment__order_number", "shipment__tracking_number")
    ordering = ("-id",)


@admin.register(SimulatedLabel)
class SimulatedLabelAdmin(KeysetAdmin):
    """Read-only pages of the simulated carrier's labels."""

    list_display = ("tracking_number", "status", "code", "street", "city", "country", "created_at")
    search_fields = ("tracking_number", "key")
    #: The key contains the order's id, which sorts by time: newest order first.
    ordering = ("-key",)


@admin.register(EasyPostBooking)
class EasyPostBookingAdmin(KeysetAdmin):
    """Read-only pages of bookings at EasyPost."""

    list_display = ("key", "outcome", "shipment", "carrier", "tracking_number", "code", "created_at")
    search_fields = ("key", "shipment", "tracking_number")
    #: The key contains the order's id, which sorts by time: newest order first.
    ordering = ("-key",)


@admin.register(CarrierFault)
class CarrierFaultAdmin(ConflictAware, ModelAdmin[CarrierFault]):
    """Faults of the simulated carrier. Adding a row breaks it; deleting the row mends it."""

    fields = ("kind", "operation", "seconds", "calls_left")
    list_display = (*fields, "created_at")
    list_filter = ("kind", "operation")
