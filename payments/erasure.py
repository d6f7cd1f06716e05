"""Erasure of what payments, and the provider, keep about the customers of orders."""

from collections.abc import Collection
from uuid import UUID

from payments.gateway import forget_charges
from payments.models import Attempt, Dispute, Payment, Refund, payment_key
from shop.messaging.publishing import unit_of_work
from shop.privacy.rows import Rows, rows_of

#: Columns and what they hold afterwards. Amounts and the provider's references stay: they are the books.
NEUTRAL = {"method": "", "failure_message": "", "confirm_url": ""}


def erase_payments(*, order_ids: Collection[UUID]) -> None:
    """Erase means of payment and the provider's words. Idempotent."""
    forget_charges(_keys(order_ids))
    with unit_of_work():
        Payment.objects.filter(order_id__in=order_ids).update(**NEUTRAL)
        former = Attempt.objects.filter(payment__order_id__in=order_ids)
        former.update(method="", failure_message="")


def personal_data_of(order_ids: Collection[UUID]) -> Rows:
    """Return all that payments keep about orders, by table."""
    of_payments = {"payment__order_id__in": order_ids}
    return (
        rows_of(Payment.objects.filter(order_id__in=order_ids))
        | rows_of(Attempt.objects.filter(**of_payments))
        | rows_of(Refund.objects.filter(**of_payments))
        | rows_of(Dispute.objects.filter(**of_payments))
    )


def _keys(order_ids: Collection[UUID]) -> list[str]:
    """Return the keys of all attempts to pay these orders."""
    attempts = dict(Payment.objects.filter(order_id__in=order_ids).values_list("order_id", "attempt"))
    return [
        payment_key(order_id, attempt)
        for order_id in order_ids
        for attempt in range(1, attempts.get(order_id, 1) + 1)
    ]
