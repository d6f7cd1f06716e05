"""Serializers of refunds: requests, strictly checked, and representations."""

from collections import Counter
from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from orders.intake import MAX_QUANTITY
from orders.models import RefundRequest
from orders.models.refund import MAX_REASON
from orders.refunds.plan import Wish
from shop.messaging.contracts import Money
from shop.rest.fields import MoneyField, MoneyIn, TextField, WholeNumberField
from shop.rest.strict import StrictList, StrictSerializer
from shop.visible import check_visible


class RefundLineIn(StrictSerializer):
    """Quantity of a product that money is given back for."""

    class Meta:
        list_serializer_class = StrictList

    sku = TextField(max_length=64, help_text="As in the order.")
    quantity = WholeNumberField(min_value=1, max_value=MAX_QUANTITY)


_BY_LINES = {"lines": [{"sku": "MUG", "quantity": 1}], "restock": True, "reason": "It was sent back"}
_BY_AMOUNT = {"amount": {"amount": "5.00", "currency": "EUR"}, "reason": "A scratch"}


@extend_schema_serializer(
    examples=[
        OpenApiExample("A line that came back", _BY_LINES, request_only=True),
        OpenApiExample("A part of the price", _BY_AMOUNT, request_only=True),
    ]
)
class RefundIn(StrictSerializer):
    """A refund as staff requests it: either of an amount or of lines, at the prices of the order."""

    amount = MoneyIn(required=False)
    lines = RefundLineIn(many=True, required=False, allow_empty=False)
    restock = serializers.BooleanField(
        required=False, default=False, help_text="The goods of the lines are back, and go into the stock."
    )
    reason = TextField(
        max_length=MAX_REASON,
        validators=[check_visible],
        help_text="For staff. Erased when the customer is forgotten.",
    )

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        """Refuse both an amount and lines, none of them, and goods without lines."""
        if ("amount" in data) == ("lines" in data):
            raise serializers.ValidationError({"amount": "Give back either an amount or lines."})
        if data["restock"] and "lines" not in data:
            raise serializers.ValidationError({"restock": "Name the lines whose goods are back."})
        return data

    @property
    def wish(self) -> Wish:
        """Amount and lines to be given back, of valid data."""
        data = self.validated_data
        lines: Counter[str] = Counter()
        for line in data.get("lines", ()):
            lines[line["sku"]] += line["quantity"]
        amount = Money(**data["amount"]) if "amount" in data else None
        return Wish(amount=amount, lines=dict(lines), restock=data["restock"])


class RefundLineOut(serializers.Serializer[Any]):
    """Quantity of a product that money is given back for."""

    sku = serializers.CharField()
    quantity = serializers.IntegerField()


class RefundOut(serializers.Serializer[RefundRequest]):
    """A refund of an order."""

    id = serializers.UUIDField()
    state = serializers.ChoiceField(source="outcome", choices=RefundRequest.State.choices)
    amount = MoneyField(amount="amount")
    lines = RefundLineOut(many=True)
    restock = serializers.BooleanField(help_text="The goods of the lines are back, and go into the stock.")
    cancels_order = serializers.BooleanField(
        source="cancels", help_text="It is of all the money, before the parcel has left."
    )
    created_at = serializers.DateTimeField()
    changed_at = serializers.DateTimeField()


class StaffRefundOut(RefundOut):
    """A refund of an order, for staff."""

    reason = serializers.CharField()
    failure_code = serializers.CharField(
        source="failure", allow_blank=True, help_text="The provider's code; empty unless it failed."
    )
