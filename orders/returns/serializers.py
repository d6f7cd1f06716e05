"""Serializers of returns: requests, strictly checked, and representations."""

from collections import Counter
from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from orders.intake import MAX_QUANTITY
from orders.models import Return
from orders.models.returns import MAX_REASON
from orders.refunds.serializers import RefundLineIn
from orders.returns.plan import Received
from shop.messaging.contracts import Money
from shop.rest.fields import MoneyField, MoneyIn, TextField, WholeNumberField
from shop.rest.strict import StrictList, StrictSerializer
from shop.visible import check_visible

_REQUEST = {"lines": [{"sku": "MUG", "quantity": 1}], "reason": "It has a crack"}
_REFUSAL = {"reason": "It was used for months"}
_ALL_GOOD = {"lines": [{"sku": "MUG", "restocked": 1}]}
_BROKEN = {
    "lines": [{"sku": "MUG", "written_off": 1}],
    "amount": {"amount": "0.50", "currency": "EUR"},
}


class ReturnLineIn(RefundLineIn):
    """Quantity of a product that is sent back."""


@extend_schema_serializer(examples=[OpenApiExample("A cracked mug", _REQUEST, request_only=True)])
class ReturnIn(StrictSerializer):
    """A request to send goods back."""

    lines = ReturnLineIn(many=True, allow_empty=False)
    reason = TextField(
        max_length=MAX_REASON,
        validators=[check_visible],
        help_text="For staff and the customer. Erased when the customer is forgotten.",
    )

    @property
    def quantities(self) -> dict[str, int]:
        """SKU -> quantity, of valid data."""
        lines: Counter[str] = Counter()
        for line in self.validated_data["lines"]:
            lines[line["sku"]] += line["quantity"]
        return dict(lines)


@extend_schema_serializer(examples=[OpenApiExample("Used goods", _REFUSAL, request_only=True)])
class RefusalIn(StrictSerializer):
    """Refusal of a return."""

    reason = TextField(
        max_length=MAX_REASON,
        validators=[check_visible],
        help_text="The customer is told. Erased when the customer is forgotten.",
    )


class ReceivedLineIn(StrictSerializer):
    """Quantities of a product that came back."""

    class Meta:
        list_serializer_class = StrictList

    sku = TextField(max_length=64, help_text="As in the return.")
    restocked = WholeNumberField(
        min_value=0, max_value=MAX_QUANTITY, default=0, help_text="They can be sold again."
    )
    written_off = WholeNumberField(
        min_value=0, max_value=MAX_QUANTITY, default=0, help_text="They cannot be sold again."
    )


@extend_schema_serializer(
    examples=[
        OpenApiExample("All as it was", _ALL_GOOD, request_only=True),
        OpenApiExample("Broken, and a part of the price", _BROKEN, request_only=True),
    ]
)
class ReturnReceiptIn(StrictSerializer):
    """Goods of a return that came back. Their price is given back, unless it is said otherwise."""

    lines = ReceivedLineIn(many=True, allow_empty=False)
    amount = MoneyIn(required=False, help_text="Instead of the price of the lines.")
    refund = serializers.BooleanField(default=True, help_text="False: nothing is given back.")

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        """Refuse a product named twice, and an amount that is not to be given back."""
        skus = [line["sku"] for line in data["lines"]]
        if len(skus) != len(set(skus)):
            raise serializers.ValidationError({"lines": "Name each product once."})
        if "amount" in data and not data["refund"]:
            raise serializers.ValidationError({"amount": "Leave it out, or give it back."})
        return data

    @property
    def received(self) -> dict[str, Received]:
        """SKU -> pieces that came back, of valid data."""
        return {
            line["sku"]: Received(line["restocked"], line["written_off"])
            for line in self.validated_data["lines"]
        }

    def amount_in(self, currency: str) -> Money | None:
        """Return what is given back instead of the price; None for the price."""
        data = self.validated_data
        if "amount" in data:
            return Money(**data["amount"])
        return None if data["refund"] else Money(amount=0, currency=currency)


class ReturnLineOut(serializers.Serializer[Any]):
    """Quantity of a product in a return, and what of it came back."""

    sku = serializers.CharField()
    quantity = serializers.IntegerField()
    restocked = serializers.IntegerField()
    written_off = serializers.IntegerField()


class ReceivedLineOut(serializers.Serializer[Any]):
    """Quantities of a product that came back."""

    sku = serializers.CharField()
    restocked = serializers.IntegerField()
    written_off = serializers.IntegerField()


class ReturnRefundOut(serializers.Serializer[Any]):
    """Refund that followed goods."""

    id = serializers.UUIDField()
    amount = MoneyField(amount="amount")
    state = serializers.CharField(source="outcome")


class ReturnReceiptOut(serializers.Serializer[Any]):
    """Goods that came back together."""

    id = serializers.UUIDField()
    lines = ReceivedLineOut(many=True)
    refund = ReturnRefundOut(allow_null=True, help_text="Null if nothing is given back.")
    created_at = serializers.DateTimeField()


class ReturnOut(serializers.Serializer[Return]):
    """A return of goods of an order."""

    id = serializers.UUIDField()
    state = serializers.ChoiceField(choices=Return.State.choices)
    by_customer = serializers.BooleanField(help_text="The customer asked for it, and not staff.")
    reason = serializers.CharField()
    refusal = serializers.CharField(allow_blank=True, help_text="Why it was refused; empty otherwise.")
    arrive_by = serializers.DateTimeField(
        allow_null=True, help_text="The goods have to be here by then; null before it is approved."
    )
    lines = ReturnLineOut(many=True)
    receipts = ReturnReceiptOut(many=True)
    created_at = serializers.DateTimeField()
    changed_at = serializers.DateTimeField()
