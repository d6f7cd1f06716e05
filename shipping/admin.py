"""Shipments for operators: to read, and to void one that has not left."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from shipping import services
from shipping.errors import CarrierError, NotStoppable
from shipping.models import CarrierFault, Shipment, SimulatedLabel, TrackingEvent
from shop.readonly import ReadOnly, ReadOnlyAdmin


class TrackingEventInline(ReadOnly, admin.TabularInline[TrackingEvent, Shipment]):
    model = TrackingEvent
    fields = ("status", "time")


@admin.register(Shipment)
class ShipmentAdmin(ReadOnlyAdmin):
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
    list_filter = ("state", "tracking_status", ("stop_reason", admin.EmptyFieldListFilter), "created_at")
    search_fields = ("order_number__exact", "order_id__exact", "id__exact", "tracking_number__exact")
    ordering = ("-id",)
    inlines = (TrackingEventInline,)
    actions = ("void",)

    @admin.display(description="order", ordering="order_number")
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
class TrackingEventAdmin(ReadOnlyAdmin):
    list_display = ("shipment", "status", "time")
    list_filter = ("status", "time")
    list_select_related = ("shipment",)
    search_fields = ("shipment__order_number__exact", "shipment__tracking_number__exact")
    ordering = ("-id",)


@admin.register(SimulatedLabel)
class SimulatedLabelAdmin(ReadOnlyAdmin):
    list_display = ("tracking_number", "status", "code", "street", "city", "country", "created_at")
    list_filter = ("status", "created_at")
    search_fields = ("tracking_number__exact", "key__exact")
    ordering = ("-created_at",)


@admin.register(CarrierFault)
class CarrierFaultAdmin(admin.ModelAdmin[CarrierFault]):
    """Break the simulated carrier, and mend it by deleting the row."""

    list_display = ("kind", "operation", "seconds", "calls_left", "created_at")
    list_filter = ("kind", "operation")
