"""Shipments for operators: to read, and to void one that has not left."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from shipping import services
from shipping.errors import CarrierError, NotStoppable
from shipping.models import STATUSES, CarrierFault, Shipment, SimulatedLabel, TrackingEvent
from shop.adminkit.filters import RecentFilter
from shop.adminkit.keyset_lists import KeysetAdmin
from shop.adminkit.read_only import ReadOnly


class TrackingFilter(admin.SimpleListFilter):
    """Finds parcels by where they were last, among the shipments that can be there."""

    title, parameter_name = "tracking status", "tracking_status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return STATUSES

    def queryset(self, request: HttpRequest, queryset: QuerySet[Shipment]) -> QuerySet[Shipment]:
        if self.value() not in dict(STATUSES):
            return queryset
        status = str(self.value())
        return queryset.filter(tracking_status=status, state=Shipment.state_with(status))


class TrackingEventInline(ReadOnly, admin.TabularInline[TrackingEvent, Shipment]):
    model = TrackingEvent
    fields = ("status", "time")


@admin.register(Shipment)
class ShipmentAdmin(KeysetAdmin):
    list_display = (
        "order",
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
    inlines = (TrackingEventInline,)
    actions = ("void",)

    @admin.display(description="order")
    def order(self, shipment: Shipment) -> str:
        """The order's number, or its id where that is all there is."""
        return shipment.order_number or str(shipment.order_id)

    @admin.action(description="Void the selected shipments that have not left", permissions=["view"])
    def void(self, request: HttpRequest, queryset: QuerySet[Shipment]) -> None:
        """Stop what has not left; say which parcels have."""
        for shipment in queryset:
            try:
                services.void_shipment(shipment_id=shipment.id)
            except (NotStoppable, CarrierError) as error:
                self.message_user(request, f"{shipment}: {error}", messages.WARNING)
            else:
                self.log_change(request, shipment, "Voided the shipment.")
                self.message_user(request, f"{shipment} will not leave.", messages.SUCCESS)


@admin.register(TrackingEvent)
class TrackingEventAdmin(KeysetAdmin):
    list_display = ("shipment", "status", "time")
    list_select_related = ("shipment",)
    search_fields = ("shipment__order_number", "shipment__tracking_number")
    ordering = ("-id",)


@admin.register(SimulatedLabel)
class SimulatedLabelAdmin(KeysetAdmin):
    list_display = ("tracking_number", "status", "code", "street", "city", "country", "created_at")
    search_fields = ("tracking_number", "key")
    #: It holds the order's id, and so the newest order's comes first.
    ordering = ("-key",)


@admin.register(CarrierFault)
class CarrierFaultAdmin(admin.ModelAdmin[CarrierFault]):
    """Break the simulated carrier, and mend it by deleting the row."""

    list_display = ("kind", "operation", "seconds", "calls_left", "created_at")
    list_filter = ("kind", "operation")
