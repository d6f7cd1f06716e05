"""Serializers of attempts to pay: requests, strictly checked, and representations."""

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from orders.intake import MAX_PAYMENT_METHOD
from orders.models import PaymentAttempt
from orders.payment_due import ConfirmUrlField
from orders.serializers import PaymentMethodField
from shop.rest.fast.serializers import ReadOnlySerializer
from shop.rest.strict import StrictSerializer


@extend_schema_serializer(
    examples=[OpenApiExample("Another card", {"payment_method": "pm_card_mastercard"}, request_only=True)]
)
class PaymentIn(StrictSerializer):
    """Other means to pay an order by."""

    payment_method = PaymentMethodField(
        max_length=MAX_PAYMENT_METHOD, help_text="The payment provider's token, as in pm_card_visa."
    )


class PaymentAttemptOut(ReadOnlySerializer[PaymentAttempt]):
    """An attempt to pay an order."""

    attempt = serializers.IntegerField(source="number")
    status = serializers.ChoiceField(source="state", choices=PaymentAttempt.State.choices)
    confirm_url = ConfirmUrlField(
        help_text="Where the customer confirms the payment; empty if there is nothing to confirm, and for "
        "others than the customer."
    )
    code = serializers.CharField(allow_blank=True, help_text="The provider's decline code.")
    message = serializers.CharField(allow_blank=True, help_text="The provider's words to the customer.")
    created_at = serializers.DateTimeField()
