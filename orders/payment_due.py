"""Serializer of what the customer has to do before an order is paid."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from orders.models import PaymentAttempt
from shop.accounts import guests
from shop.rest.fast.serializers import ReadOnlySerializer


@extend_schema_field({"type": "string"})
class ConfirmUrlField(serializers.Field[Any, Any, str, Any]):
    """Address of the page on which the customer confirms, for the customer alone."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(source="*", read_only=True, **kwargs)

    def to_representation(self, attempt: PaymentAttempt) -> str:
        """Return the address; nothing to others, staff included: whoever has it can confirm."""
        request = self.context.get("request")
        if request is None or not attempt.confirm_url:
            return ""
        return attempt.confirm_url if guests.is_own(request.user.pk, attempt.customer_id) else ""


class PaymentDueOut(ReadOnlySerializer[PaymentAttempt]):
    """Act of the customer that the payment of an order waits for."""

    status = serializers.ChoiceField(
        source="state",
        choices=[PaymentAttempt.State.REQUIRES_ACTION.value, PaymentAttempt.State.DECLINED.value],
        help_text="`requires_action`: confirm at `confirm_url`; `requires_payment_method`: pay by other "
        "means, by a POST to `/orders/{id}/payments`.",
    )
    attempt = serializers.IntegerField(source="number")
    confirm_url = ConfirmUrlField(
        help_text="Where the customer confirms the payment; empty if there is nothing to confirm, and for "
        "others than the customer."
    )
    code = serializers.CharField(allow_blank=True, help_text="The provider's decline code.")
    message = serializers.CharField(allow_blank=True, help_text="The provider's words to the customer.")
    pay_by = serializers.DateTimeField(
        source="order.pay_by", help_text="The order is cancelled if it is not paid by then."
    )
