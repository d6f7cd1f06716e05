"""Statements of payments beyond the ORM: payments added and stored in sets, payments and refunds locked."""

from collections.abc import Collection, Sequence
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from uuid import UUID

from django.conf import settings
from django.db.models import Sum

from payments.models import Payment, Refund
from shop.ids import uuid7_at
from shop.messaging.errors import TooEarly
from shop.postgres import locking, statements


def add_new(payments: Collection[Payment]) -> list[Payment]:
    """Insert the payments of orders that have none; return the payments of all, by order id."""
    new = statements.insert_new(sorted(payments, key=attrgetter("order_id")))
    added = {payment.order_id for payment in new}
    if known := {payment.order_id for payment in payments} - added:
        return sorted([*new, *Payment.objects.filter(order_id__in=known)], key=attrgetter("order_id"))
    return new


def payments_of(order_ids: Collection[UUID]) -> list[Payment]:
    """Return the payments of orders, by order id; TooEarly if one has none."""
    payments = locking.found(Payment, "order_id", order_ids)
    if missing := sorted(set(order_ids).difference(payment.order_id for payment in payments)):
        raise TooEarly(f"payments has not heard of order {missing[0]}")
    return payments


def holds_that_end(before: datetime, *, limit: int) -> list[Payment]:
    """Return payments whose hold ends, oldest first, but for those that could not be renewed.

    The keys of payments sort by time, and a hold is younger than its payment: so an index by key finds them.
    """
    held = Payment.objects.filter(state=Payment.State.REQUIRES_CAPTURE, failure_code="", stop_reason="")
    oldest = held.filter(id__lt=uuid7_at(before - settings.SHOP_AUTHORISATION_PERIOD))
    return list(oldest.filter(authorised_until__lt=before).order_by("id")[:limit])


def add_refund(refund: Refund) -> Refund:
    """Insert a refund of a locked payment, and count it in the payment.

    IntegrityError if the payment has one of all that was left that has not failed, or not as much left.
    """
    refund.save(force_insert=True)
    _count(refund)
    return refund


def lock(order_id: UUID) -> Payment:
    """Lock the payment of an order until the transaction ends; TooEarly if there is none."""
    try:
        return Payment.objects.select_for_update().get(order_id=order_id)
    except Payment.DoesNotExist:
        raise TooEarly(f"payments has not heard of order {order_id}") from None


def lock_all(order_ids: Collection[UUID]) -> None:
    """Lock the payments of orders in the order in which all lock several, until the transaction ends."""
    locking.locked(Payment, "order_id", order_ids, only=["id"])


def add_or_lock(payments: Collection[Payment]) -> tuple[list[Payment], list[Payment]]:
    """Insert the payments of orders that have none; return these, and those that the other orders have.

    The latter are locked until the transaction ends, by order id.
    """
    new = statements.insert_new(sorted(payments, key=attrgetter("order_id")))
    others = {payment.order_id for payment in payments}.difference(payment.order_id for payment in new)
    return new, locking.locked(Payment, "order_id", others)


def lock_refund(refund_id: UUID) -> Refund:
    """Lock the payment of a refund, which locks the refund, and return the refund."""
    payment = Payment.objects.select_for_update().get(refunds=refund_id)
    refund = payment.refunds.get(pk=refund_id)
    refund.payment = payment
    return refund


def store(payment: Payment) -> None:
    """Write a changed payment, which is locked."""
    payment.save(update_fields=[*Payment.CHANGEABLE, "updated_at"])


def store_all(payments: Sequence[Payment]) -> None:
    """Write changed payments, which are locked."""
    statements.update_rows(payments, [*Payment.CHANGEABLE, "updated_at"])


def store_refund(refund: Refund) -> None:
    """Write a changed refund, whose payment is locked, and its payment with it."""
    refund.save(update_fields=[*Refund.CHANGEABLE, "updated_at"])
    _count(refund)


def _count(refund: Refund) -> None:
    """Write the payment of a refund with the sum of the open refunds."""
    payment = refund.payment
    opened = payment.refunds.filter(state__in=Refund.OPEN)
    payment.amount_refund_open = opened.aggregate(sum=Sum("amount", default=0))["sum"]
    store(payment)


def store_outcomes(payments: Sequence[Payment]) -> list[Payment]:
    """Write the outcomes of authorisations, unless an outcome is stored or another attempt has begun.

    One statement for the payments at the same attempt.

    Returns:
        The payments that were written. They know of a stop that was requested meanwhile.
    """
    present = sorted(payments, key=attrgetter("attempt"))  # nearly always the first
    return [
        stored
        for attempt, its in groupby(present, key=attrgetter("attempt"))
        for stored in _store_where(list(its), Payment.State.PROCESSING, attempt=attempt)
    ]


def store_captures(payments: Sequence[Payment]) -> list[Payment]:
    """Write captures, likewise, unless the amount is not held any more."""
    return _store_where(payments, Payment.State.REQUIRES_CAPTURE)


def _store_where(payments: Sequence[Payment], state: Payment.State, **more: int) -> list[Payment]:
    return statements.update_where(
        payments,
        [*Payment.OUTCOME, "updated_at"],
        where={"state": state, **more},
        lock_by="order_id",
        refresh=["stop_reason", "amount_refund_open"],
    )
