"""Payments that wait for their customer, as plain data."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from orders.models import Order
from orders.states import PaymentNeeds


@dataclass(frozen=True, slots=True)
class PaymentDue:
    """Payment that waits for its customer."""

    #: The provider's words; may be empty.
    message: str
    #: Page on which the customer confirms; empty if there is nothing to confirm.
    confirm_url: str
    #: The order is cancelled if it is not paid by then.
    pay_by: datetime
    #: The order can be paid by other means.
    by_other_means: bool


def payment_due(order_id: UUID) -> PaymentDue | None:
    """Return what the customer of an order has to do; None if nothing is, or not now."""
    order = Order.objects.get(pk=order_id)
    attempt = order.payment_due
    if attempt is None:
        return None
    needs_confirmation = order.payment_needs == PaymentNeeds.CONFIRMATION
    confirm_url = attempt.confirm_url if needs_confirmation else ""
    return PaymentDue(attempt.message, confirm_url, order.pay_by, order.retry_payment)
