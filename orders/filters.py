"""Filters of the orders list of the REST API."""

import django_filters
from django import forms
from django.core.validators import RegexValidator
from django.db.models import QuerySet

from orders.models import Order
from orders.queries import serial_of
from orders.states import Status
from shop.rest.filters import SinceFilter, UntilFilter


class IntegerFilter(django_filters.Filter):  # type: ignore[misc]
    """A whole number."""

    field_class = forms.IntegerField


class OrderFilter(django_filters.FilterSet):  # type: ignore[misc]
    """Declared query parameters; no other reaches the database."""

    status = django_filters.MultipleChoiceFilter(
        choices=Status.choices, label="One of these statuses; may be given several times"
    )
    number = django_filters.CharFilter(
        method="having_number",
        label="As in ORD-1042",
        validators=[
            RegexValidator(r"^\s*([Oo][Rr][Dd]-)?[0-9]{1,18}\s*\Z", "Write the number as in ORD-1042.")
        ],
    )
    placed_after = SinceFilter("placed_at", label="Placed at or after")
    placed_before = UntilFilter("placed_at", label="Placed before")
    customer = IntegerFilter("customer_id", label="The customer's id", min_value=1)

    class Meta:
        model = Order
        fields: tuple[str, ...] = ()

    def having_number(self, orders: QuerySet[Order], name: str, value: str) -> QuerySet[Order]:
        """Filter by an order's number, as in ORD-1042."""
        serial = serial_of(value)
        return orders.none() if serial is None else orders.filter(serial=serial)
