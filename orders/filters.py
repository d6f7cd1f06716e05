"""Filters of the orders list of the REST API."""

from uuid import UUID

import django_filters
from django import forms
from django.core.validators import RegexValidator
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema_field

from orders.models import Order
from orders.queries import serial_of
from orders.states import Status
from shop.rest.filters import MomentFilter, SinceFilter, UntilFilter

#: Ids of one request, which its address has to hold.
MAX_IDS = 20


class IntegerFilter(django_filters.Filter):  # type: ignore[misc]
    """A whole number."""

    field_class = forms.IntegerField


class IdsField(forms.Field):
    """Ids, each a parameter of its own."""

    widget = forms.MultipleHiddenInput

    def clean(self, value: list[str] | None) -> list[UUID]:
        """Refuse what is no id, and too many."""
        try:
            ids = [UUID(each) for each in value or ()]
        except ValueError as error:
            raise forms.ValidationError("Write ids as in the field `id` of orders.") from error
        if len(ids) > MAX_IDS:
            raise forms.ValidationError(f"Ask for {MAX_IDS} orders at most.")
        return ids


@extend_schema_field({"type": "array", "items": {"type": "string", "format": "uuid"}, "maxItems": MAX_IDS})
class IdsFilter(django_filters.Filter):  # type: ignore[misc]
    """Rows with one of several ids."""

    field_class = IdsField

    def filter(self, rows: QuerySet[Order], ids: list[UUID]) -> QuerySet[Order]:
        """Filter by the ids; without any, return all rows."""
        return rows.filter(pk__in=ids) if ids else rows


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
    changed_since = MomentFilter(
        "changed_at", "gte", label="Changed at or after; with `sort=changed_at` to keep a copy"
    )
    email = django_filters.CharFilter(
        "customer_email", "iexact", label="The customer's e-mail address at the time of the order"
    )
    id = IdsFilter("pk", label=f"One of these ids; may be given up to {MAX_IDS} times")
    customer = IntegerFilter("customer_id", label="The customer's id", min_value=1)

    class Meta:
        model = Order
        fields: tuple[str, ...] = ()

    def having_number(self, orders: QuerySet[Order], name: str, value: str) -> QuerySet[Order]:
        """Filter by an order's number, as in ORD-1042."""
        serial = serial_of(value)
        return orders.none() if serial is None else orders.filter(serial=serial)
