"""REST API of shipping, for staff: read shipments. Customers see theirs on the pages of their orders."""

from django.db.models import QuerySet
from django_filters import rest_framework as filters
from rest_framework import serializers
from rest_framework.viewsets import ReadOnlyModelViewSet

from shipping.models import STATUSES, Shipment, TrackingEvent
from shop.rest.etags import ETagged
from shop.rest.filters import SinceFilter, UntilFilter
from shop.rest.permissions import staff

UUID_PATTERN = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"


class TrackingEventSerializer(serializers.ModelSerializer[TrackingEvent]):
    """Scan of a parcel."""

    class Meta:
        model = TrackingEvent
        fields = ("status", "time")
        read_only_fields = fields


class DestinationSerializer(serializers.Serializer[Shipment]):
    """Name and address of the recipient."""

    name = serializers.CharField()
    street = serializers.CharField()
    second_line = serializers.CharField()
    city = serializers.CharField()
    region = serializers.CharField()
    postal_code = serializers.CharField()
    country = serializers.CharField()
    phone = serializers.CharField()


class ShipmentSerializer(serializers.ModelSerializer[Shipment]):
    """Shipment of an order."""

    ship_to = DestinationSerializer(source="destination", read_only=True)

    class Meta:
        model = Shipment
        fields: tuple[str, ...] = (
            "id",
            "order_id",
            "order_number",
            "state",
            "carrier",
            "tracking_number",
            "tracking_status",
            "ship_to",
            "failure_code",
            "failure_message",
            "stop_reason",
            "shipped_at",
            "delivered_at",
            "created_at",
            "updated_at",
        )
        read_only_fields = fields


class ShipmentDetailSerializer(ShipmentSerializer):
    """Shipment of an order with its tracking events."""

    tracking_events = TrackingEventSerializer(many=True, read_only=True)

    class Meta(ShipmentSerializer.Meta):
        fields = (*ShipmentSerializer.Meta.fields, "tracking_events")
        read_only_fields = fields


class ShipmentFilter(filters.FilterSet):  # type: ignore[misc]
    """Filters of shipments: ``?state=shipped&tracking_status=in_transit``."""

    state = filters.ChoiceFilter(choices=Shipment.State.choices)
    tracking_status = filters.ChoiceFilter(choices=STATUSES, method="having_tracking_status")
    order_id = filters.UUIDFilter()
    order_number = filters.CharFilter()
    tracking_number = filters.CharFilter()
    created_after = SinceFilter("created_at")
    created_before = UntilFilter("created_at")

    def having_tracking_status(
        self, shipments: QuerySet[Shipment], name: str, value: str
    ) -> QuerySet[Shipment]:
        """Return the shipments whose last scan has the status ``value``."""
        return shipments.filter(tracking_status=value, state=Shipment.state_with(value))


class ShipmentViewSet(ETagged, ReadOnlyModelViewSet[Shipment]):
    """The shipments of all orders, newest first."""

    permissions = {"GET": staff("shipping.view_shipment")}
    filterset_class = ShipmentFilter
    lookup_value_regex = UUID_PATTERN
    queryset = Shipment.objects.all()

    def get_serializer_class(self) -> type[ShipmentSerializer]:
        """Return the serializer: a single shipment comes with its tracking events."""
        return ShipmentDetailSerializer if self.action == "retrieve" else ShipmentSerializer
