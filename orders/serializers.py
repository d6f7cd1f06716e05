"""Serializers of orders: requests, strictly checked, and representations."""

from typing import Any

from django.conf import settings
from drf_spectacular.utils import (
    OpenApiExample,
    extend_schema_field,
    extend_schema_serializer,
)
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail

from orders.countries import COUNTRIES
from orders.errors import InvalidOrder
from orders.intake import ADDRESS_LIMITS, MAX_PAYMENT_METHOD, MAX_QUANTITY
from orders.models import Order, OrderLine
from orders.payment_due import PaymentDueOut
from orders.snapshots import MAX_SEQUENCE
from orders.states import AttentionReason, CancelReason, Status
from shop.rest.fast.serializers import ReadOnlySerializer
from shop.rest.fields import FlagField, LinkField, MoneyField, TextField, WholeNumberField
from shop.rest.strict import StrictList, StrictSerializer

#: Fields that clients like to send although the catalogue decides.
_PRICES = {"price", "unit_price", "amount", "total", "currency"}


class StrictOrder(StrictSerializer):
    """Strict serializer that says where prices come from."""

    def remedy(self, name: str) -> ErrorDetail:
        """Tell what to do about an unknown field."""
        if name in _PRICES:
            return ErrorDetail("Remove this field: prices come from the catalogue.", "unknown_field")
        return super().remedy(name)


@extend_schema_field({"type": "string", "enum": sorted(COUNTRIES)})
class CountryField(TextField):
    """Code of a country."""


#: No card number: it has another character than digits, spaces and dashes.
_NOT_A_CARD = r"^[^\x00]*[^\d\s\x00-][^\x00]*$"


@extend_schema_field({"type": "string", "maxLength": MAX_PAYMENT_METHOD, "pattern": _NOT_A_CARD})
class PaymentMethodField(TextField):
    """Token of the payment provider."""


class LineIn(StrictOrder):
    """Quantity of one product."""

    class Meta:
        list_serializer_class = StrictList

    sku = TextField(max_length=64, help_text="As in the catalogue.")
    quantity = WholeNumberField(
        min_value=1,
        max_value=MAX_QUANTITY,
        error_messages={
            "min_value": f"Order between 1 and {MAX_QUANTITY}.",
            "max_value": f"Order between 1 and {MAX_QUANTITY}.",
        },
    )


def _optional_part(name: str, help_text: str) -> TextField:
    """Return the field for a part of an address that depends on the country."""
    return TextField(
        max_length=ADDRESS_LIMITS[name], allow_blank=True, required=False, default="", help_text=help_text
    )


class AddressIn(StrictOrder):
    """Address that the parcel goes to."""

    name = TextField(max_length=ADDRESS_LIMITS["name"])
    street = TextField(max_length=ADDRESS_LIMITS["street"])
    second_line = _optional_part("second_line", "Flat, floor or building.")
    city = _optional_part("city", "Required where addresses have one, as nearly everywhere.")
    region = _optional_part("region", "State, province or the like. Required in AU, CA and US: code or name.")
    postal_code = _optional_part("postal_code", "Required where addresses have one, as nearly everywhere.")
    phone = _optional_part("phone", "For the carrier.")
    country = CountryField(help_text="ISO 3166-1 alpha-2, as in DE.")

    def validate_country(self, country: str) -> str:
        """Refuse codes that ISO 3166-1 does not assign."""
        if country not in COUNTRIES:
            text = "This is no country: use its ISO 3166-1 alpha-2 code, as in DE."
            raise serializers.ValidationError(text, code="unknown_country")
        return country


#: An order that the demonstration shop accepts.
_EXAMPLE = {
    "lines": [{"sku": "MUG", "quantity": 2}],
    "ship_to": {
        "name": "Alice Liddell",
        "street": "Broad Street 1",
        "city": "Oxford",
        "postal_code": "OX1 3AZ",
        "country": "GB",
    },
    "payment_method": "pm_card_visa",
}


@extend_schema_serializer(examples=[OpenApiExample("Two mugs", _EXAMPLE, request_only=True)])
class OrderIn(StrictOrder):
    """An order as a client places it. Prices come from the catalogue."""

    lines = LineIn(  # type: ignore[call-arg]  # many=True makes it a ListSerializer
        many=True,
        allow_empty=False,
        max_length=settings.SHOP_MAX_ORDER_LINES,
        error_messages={
            "empty": "The order is empty: add at least one line.",
            "max_length": "The order is too long: split it into orders of at most {max_length} lines.",
        },
    )
    ship_to = AddressIn()
    payment_method = PaymentMethodField(
        max_length=MAX_PAYMENT_METHOD, help_text="The payment provider's token, as in pm_card_visa."
    )
    retry_payment = FlagField(
        required=False,
        default=False,
        help_text="After a decline you may pay by other means until the payment deadline: see `payments`. "
        "Without it a decline ends the order.",
    )


class LineOut(ReadOnlySerializer[OrderLine]):
    """A line at the price it had when the order was placed."""

    sku = serializers.CharField()
    name = serializers.CharField()
    quantity = serializers.IntegerField()
    unit_price = MoneyField(amount="unit_price")
    amount = MoneyField(amount="amount")


class AddressOut(ReadOnlySerializer[Any]):
    """Address that the parcel goes to."""

    name = serializers.CharField()
    street = serializers.CharField()
    second_line = serializers.CharField(allow_blank=True)
    city = serializers.CharField(allow_blank=True)
    region = serializers.CharField(allow_blank=True)
    postal_code = serializers.CharField(allow_blank=True)
    country = serializers.CharField()
    phone = serializers.CharField(allow_blank=True)


class CustomerOut(ReadOnlySerializer[Order]):
    """Customer, as of the time of the order."""

    id = serializers.IntegerField(source="customer_id")
    name = serializers.CharField(source="customer_name")
    email = serializers.EmailField(source="customer_email", allow_blank=True)


class OrderFactsOut(ReadOnlySerializer[Order]):
    """Facts of an order."""

    id = serializers.UUIDField()
    number = serializers.CharField(help_text="As people say it: ORD-1042.")
    url = LinkField(view_name="order-detail")
    status = serializers.ChoiceField(choices=Status.choices)
    reason = serializers.ChoiceField(
        choices=[*CancelReason.choices, *AttentionReason.choices],
        allow_blank=True,
        help_text="Why it is being cancelled, or needs attention; else empty.",
    )
    total = MoneyField(amount="total")
    placed_at = serializers.DateTimeField()


class OrderSummaryOut(OrderFactsOut):
    """An order in a list."""

    changed_at = serializers.DateTimeField(help_text="When the order last took a step.")


class OrderOut(OrderFactsOut):
    """An order with all its lines."""

    customer = CustomerOut(source="*")
    lines = LineOut(many=True)
    ship_to = AddressOut()
    cancellable = serializers.BooleanField(
        source="is_cancellable", help_text="Whether the parcel can still be stopped."
    )
    payment = PaymentDueOut(
        source="payment_due",
        allow_null=True,
        help_text="What the customer has to do before the order is paid; null if there is nothing.",
    )
    timeline_url = LinkField(view_name="order-timeline")


class AsOf(serializers.Serializer[Any]):
    """Moment in the history of an order."""

    at = serializers.IntegerField(
        required=False,
        min_value=1,
        max_value=MAX_SEQUENCE,
        help_text="Show the order as of its event with this `sequence` in its timeline; 1 is its placing.",
    )


@extend_schema_serializer(
    examples=[
        OpenApiExample("A parcel sent anew", {"reason": "The goods were sent again"}, request_only=True)
    ]
)
class SettlementIn(StrictSerializer):
    """End of an order that needs attention."""

    reason = TextField(max_length=300, help_text="Kept for ever: name no persons.")


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "A parcel that was lost",
            {"goods": "new", "reason": "The carrier has lost it"},
            request_only=True,
        )
    ]
)
class SendAgainIn(StrictSerializer):
    """Order that is sent again."""

    goods = serializers.ChoiceField(
        choices=["new", "returned"],
        help_text="`new`: taken from the stock; `returned`: the parcel came back, and leaves again.",
    )
    reason = TextField(max_length=300, help_text="Kept for ever: name no persons.")
    ship_to = AddressIn(required=False, help_text="Another address; by default that of the order.")


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "A parcel that came back",
            {"goods": "returned", "reason": "The customer has moved away"},
            request_only=True,
        )
    ]
)
class GiveUpIn(StrictSerializer):
    """Undelivered order that is not sent again."""

    goods = serializers.ChoiceField(
        choices=["returned", "lost"],
        help_text="`returned`: they go back into the stock; `lost`: they are written off.",
    )
    reason = TextField(max_length=300, help_text="Kept for ever: name no persons.")


class TimelineOut(serializers.Serializer[Any]):
    """Event of the order, for its customer."""

    type = serializers.CharField(help_text="The type of the event, as in orders.OrderCreated.v2.")
    sequence = serializers.IntegerField(help_text="Number of the event: 1, 2, 3 ...")
    time = serializers.DateTimeField()
    summary = serializers.CharField()


class StaffTimelineOut(TimelineOut):
    """Event of the order, for staff."""

    id = serializers.UUIDField(required=False)
    position = serializers.IntegerField(required=False)
    correlation_id = serializers.UUIDField(required=False)
    causation_id = serializers.UUIDField(required=False, allow_null=True)
    data = serializers.DictField(required=False)  # type: ignore[assignment]  # a field, not the property


class ReceiptEventOut(serializers.Serializer[Any]):
    """Event of the order as it was hashed."""

    text = serializers.CharField(
        help_text="What the hash covers, beside the hash of the event before it. Its last line is the "
        "SHA-256 of the data."
    )
    hash = serializers.CharField(allow_null=True, help_text="Null for events from before the chain.")
    data = serializers.CharField(  # type: ignore[assignment]  # a field, not the property
        allow_null=True, help_text="JSON as stored, personal facts encrypted; null if you may not read it."
    )


class ReceiptProofOut(serializers.Serializer[Any]):
    """Path from an event of the order to a signed root of the log."""

    leaf = serializers.CharField(help_text="Position, type, order and hash of the newest event below a root.")
    path = serializers.ListField(
        child=serializers.ListField(child=serializers.CharField()),
        help_text="Siblings up to the root, each with its side: left or right.",
    )
    statement = serializers.CharField(help_text="The signed text. Its sixth line is the root.")
    signature = serializers.CharField(help_text="Ed25519, in hexadecimal digits.")
    public_key = serializers.CharField()


class ReceiptOut(serializers.Serializer[Any]):
    """Receipt of an order, to be verified without the shop."""

    order = serializers.CharField()
    events = ReceiptEventOut(many=True)
    proof = ReceiptProofOut(allow_null=True, help_text="Null if no event is below a signed root yet.")


def as_validation_error(refusal: InvalidOrder) -> serializers.ValidationError:
    """Nest the problems of an order as DRF does: ``lines[1].sku`` under lines, 1, sku."""
    details: dict[Any, Any] = {}
    for problem in refusal.problems:
        _put(details, problem.path, ErrorDetail(problem.message, problem.code))
    return serializers.ValidationError(details)


def _put(details: dict[Any, Any], path: tuple[str | int, ...], message: ErrorDetail) -> None:
    for step in path[:-1]:
        details = details.setdefault(step, {})
    details.setdefault(path[-1], []).append(message)
