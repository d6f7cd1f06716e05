"""Shipments over REST, for staff, to read. Customers see theirs on their orders' pages."""

from django.db.models import QuerySet
from django_filters import rest_framework as filters
from rest_framework import serializers
from rest_framework.permissions import IsAdminUser
from rest_framework.viewsets import ReadOnlyModelViewSet

from shipping.models import STATUSES, Shipment, TrackingEvent
from shop.rest.filters import SinceFilter, UntilFilter

UUID_PATTERN = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"


class TrackingEventSerializer(serializers.ModelSerializer[TrackingEvent]):
    class Meta:
        model = TrackingEvent
        fields = ("status", "time")
        read_only_fields = fields


class DestinationSerializer(serializers.Serializer[Shipment]):
    """Where the parcel goes."""

    name = serializers.CharField()
    street = serializers.CharField()
    city = serializers.CharField()
    postal_code = serializers.CharField()
    country = serializers.CharField()


class ShipmentSerializer(serializers.ModelSerializer[Shipment]):
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
    tracking_events = TrackingEventSerializer(many=True, read_only=True)

    class Meta(ShipmentSerializer.Meta):
        fields = (*ShipmentSerializer.Meta.fields, "tracking_events")
        read_only_fields = fields


class ShipmentFilter(filters.FilterSet):  # type: ignore[misc]
    """``?state=shipped&tracking_status=in_transit&created_after=2025-01-01T00:00:00Z``."""

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
        return shipments.filter(tracking_status=value, state=Shipment.state_with(value))


class ShipmentViewSet(ReadOnlyModelViewSet[Shipment]):
    """The shipments of all orders, newest first."""

    permission_classes = [IsAdminUser]
    filterset_class = ShipmentFilter
    lookup_value_regex = UUID_PATTERN
    queryset = Shipment.objects.all()

    def get_serializer_class(self) -> type[ShipmentSerializer]:
        """One shipment comes with what the carrier said of it."""
        return ShipmentDetailSerializer if self.action == "retrieve" else ShipmentSerializer
