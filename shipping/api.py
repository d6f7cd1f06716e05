"""REST API of shipping, for staff: shipments and labels. Customers see theirs on their pages."""

from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpResponse
from django_filters import rest_framework as filters
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.generics import get_object_or_404
from rest_framework.request import Request
from rest_framework.viewsets import ReadOnlyModelViewSet

from shipping import services
from shipping.errors import CarrierError, NoLabel
from shipping.models import STATUSES, Shipment, TrackingEvent
from shipping.paper import PdfRenderer, paper_response
from shop.rest.etags import ETagged
from shop.rest.filters import SinceFilter, UntilFilter
from shop.rest.permissions import staff
from shop.rest.problems import Conflict, ProviderAway

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

    @extend_schema(
        summary="Get the label of a parcel",
        responses={
            (200, "application/pdf"): OpenApiTypes.BINARY,
            302: OpenApiResponse(description="The carrier keeps the PDF at `Location`."),
            409: OpenApiResponse(description="The parcel has no label: it is not booked, or stopped."),
            503: OpenApiResponse(description="The carrier is away: repeat it later."),
        },
        parameters=[
            OpenApiParameter(
                "Location", str, OpenApiParameter.HEADER, response=[302], description="Address of the PDF."
            )
        ],
    )
    @action(
        detail=True,
        permissions={"GET": staff("shipping.view_shipment", "shipping.print_label")},
        renderer_classes=[PdfRenderer],
        pagination_class=None,
        filter_backends=[],
    )
    def label(self, request: Request, pk: UUID) -> HttpResponse:
        """Answer the parcel's label to be printed, a PDF."""
        shipment = get_object_or_404(Shipment, pk=pk)
        try:
            paper = services.paper_of(shipment_id=shipment.pk)
        except NoLabel as refusal:
            raise Conflict(str(refusal)) from refusal
        except CarrierError as error:
            raise ProviderAway from error
        return paper_response(shipment, paper)
