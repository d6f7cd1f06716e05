"""List and search of orders in the read model, over REST, for staff. Customers read the write table."""

from typing import Any

import django_filters
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from analytics.lag_header import LAG_PARAMETER, TellsLag
from analytics.models import OrderFact, Step
from analytics.order_history import STATUSES, having_status, placed_orders
from shop.rest.fields import MoneyField
from shop.rest.filters import SinceFilter, UntilFilter
from shop.rest.permissions import staff


class IntegerFilter(django_filters.NumberFilter):  # type: ignore[misc]
    """A whole number."""

    field_class = django_filters.fields.forms.IntegerField


class OrderHistoryFilter(django_filters.FilterSet):  # type: ignore[misc]
    """Declared query parameters; no other reaches the database."""

    status = django_filters.MultipleChoiceFilter(
        method="having_status",
        choices=[(status, status) for status in STATUSES],
        label="One of these statuses; may be given several times",
    )
    number = django_filters.CharFilter(label="As in ORD-1042")
    sku = django_filters.CharFilter(method="having_sku", label="SKU of one of its lines")
    customer = IntegerFilter("customer_id", label="The customer's id", min_value=1)
    placed_after = SinceFilter("placed_at", label="Placed at or after")
    placed_before = UntilFilter("placed_at", label="Placed before")

    class Meta:
        model = OrderFact
        fields: tuple[str, ...] = ()

    def having_status(self, orders: QuerySet[OrderFact], name: str, values: list[str]) -> QuerySet[OrderFact]:
        """Filter by status."""
        return having_status(orders, values) if values else orders

    def having_sku(self, orders: QuerySet[OrderFact], name: str, value: str) -> QuerySet[OrderFact]:
        """Filter by the SKU of a line."""
        return orders.filter(skus__contains=[value])


class OrderHistoryOut(serializers.Serializer[OrderFact]):
    """An order as events tell of it, without personal facts."""

    id = serializers.UUIDField(source="order_id")
    number = serializers.CharField()
    status = serializers.ChoiceField(choices=list(STATUSES))
    customer_id = serializers.IntegerField()
    total = MoneyField(amount="total")
    skus = serializers.ListField(child=serializers.CharField())
    carrier = serializers.CharField(help_text="Empty until the parcel has left.")
    placed_at = serializers.DateTimeField()
    steps = serializers.SerializerMethodField()

    @extend_schema_field(
        {"type": "object", "additionalProperties": {"type": "string", "format": "date-time"}}
    )
    def get_steps(self, fact: OrderFact) -> dict[str, str]:
        """Return the earliest time of each step that the order has taken."""
        times = ((step.value, getattr(fact, step.column)) for step in Step)
        return {step: serializers.DateTimeField().to_representation(at) for step, at in times if at}


class OrderHistory(TellsLag, ListAPIView[OrderFact]):
    """Orders as events tell of them."""

    permissions = {"GET": staff("analytics.view_orderfact")}
    serializer_class = OrderHistoryOut
    filterset_class = OrderHistoryFilter
    queryset = placed_orders()

    @extend_schema(summary="Search orders in the read model", tags=["analytics"], parameters=[LAG_PARAMETER])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List orders, newest first, as of the events that analytics has consumed."""
        return super().get(request, *args, **kwargs)
