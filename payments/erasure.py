"""Erasure of what payments, and the provider, keep about the customers of orders."""

from collections.abc import Collection
from uuid import UUID

from payments.gateway import forget_charges
from payments.models import Dispute, Payment, Refund, capture_key
from shop.messaging.publishing import unit_of_work
from shop.privacy.rows import Rows, rows_of

#: Columns and what they hold afterwards. Amounts and the provider's references stay: they are the books.
NEUTRAL = {"method": "", "failure_message": ""}


def erase_payments(*, order_ids: Collection[UUID]) -> None:
    """Erase means of payment and the provider's words. Idempotent."""
    forget_charges([capture_key(order_id) for order_id in order_ids])
    with unit_of_work():
        Payment.objects.filter(order_id__in=order_ids).update(**NEUTRAL)


def personal_data_of(order_ids: Collection[UUID]) -> Rows:
    """Return all that payments keep about orders, by table."""
    of_payments = {"payment__order_id__in": order_ids}
    return (
        rows_of(Payment.objects.filter(order_id__in=order_ids))
        | rows_of(Refund.objects.filter(**of_payments))
        | rows_of(Dispute.objects.filter(**of_payments))
    )
