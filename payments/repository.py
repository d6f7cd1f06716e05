"""Statements of payments beyond the ORM: payments added and stored in sets, payments and refunds locked."""

from collections.abc import Collection, Sequence
from operator import attrgetter
from uuid import UUID

from payments.models import Payment, Refund
from shop.messaging.errors import TooEarly
from shop.postgres import statements


def add_new(payments: Collection[Payment]) -> list[Payment]:
    """Insert the payments of orders that have none; return the payments of all, by order id."""
    new = statements.insert_new(sorted(payments, key=attrgetter("order_id")))
    added = {payment.order_id for payment in new}
    if known := {payment.order_id for payment in payments} - added:
        return sorted([*new, *Payment.objects.filter(order_id__in=known)], key=attrgetter("order_id"))
    return new


def add_refund(refund: Refund) -> Refund:
    """Insert a refund; IntegrityError if the payment has one that has not failed."""
    refund.save(force_insert=True)
    return refund


def lock(order_id: UUID) -> Payment:
    """Lock the payment of an order until the transaction ends; TooEarly if there is none."""
    try:
        return Payment.objects.select_for_update().get(order_id=order_id)
    except Payment.DoesNotExist:
        raise TooEarly(f"payments has not heard of order {order_id}") from None


def lock_or_add(payment: Payment) -> tuple[Payment, bool]:
    """Lock the payment of the same order, or insert this one; True if it was inserted."""
    values = {field.attname: getattr(payment, field.attname) for field in Payment._meta.concrete_fields}
    order_id = values.pop("order_id")
    return Payment.objects.select_for_update().get_or_create(order_id=order_id, defaults=values)


def lock_refund(refund_id: UUID) -> Refund:
    """Lock the payment of a refund, which locks the refund, and return the refund."""
    payment = Payment.objects.select_for_update().get(refunds=refund_id)
    refund = payment.refunds.get(pk=refund_id)
    refund.payment = payment
    return refund


def store(payment: Payment) -> None:
    """Write a changed payment, which is locked."""
    payment.save(update_fields=[*Payment.CHANGEABLE, "updated_at"])


def store_refund(refund: Refund) -> None:
    """Write a changed refund, whose payment is locked."""
    refund.save(update_fields=[*Refund.CHANGEABLE, "updated_at"])


def store_outcomes(payments: Sequence[Payment]) -> list[Payment]:
    """Write the outcomes of charges, in one statement, unless an outcome is stored already.

    Returns:
        The payments that were written. They know of a stop that was requested meanwhile.
    """
    return statements.update_where(
        payments,
        [*Payment.OUTCOME, "updated_at"],
        where={"state": Payment.State.PROCESSING},
        lock_by="order_id",
        refresh=["stop_reason"],
    )
