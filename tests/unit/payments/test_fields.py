"""Columns of payments and refunds: each is set once or changeable, and a changeable one is stored."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db.models import Model
from django.utils import timezone

from payments import repository
from payments.models import Payment, Refund, payment_key
from shop.ids import uuid7

pytestmark = pytest.mark.django_db

SOON = timezone.now() + timedelta(days=7)
OUTCOMES: list[Callable[[Payment], None]] = [
    lambda payment: payment.hold(reference="pi_1042", until=SOON),
    lambda payment: payment.succeed(reference="pi_1042", captured=payment.amount),
    lambda payment: payment.fail(reference="pi_1042", code="expired_card", message="Your card has expired."),
    Payment.void,
]


@pytest.fixture
def payment() -> Payment:
    """Return an open payment."""
    order_id = uuid7()
    return Payment.objects.create(
        order_id=order_id,
        order_number="ORD-1042",
        idempotency_key=payment_key(order_id),
        amount=Decimal("49.90"),
        currency="EUR",
        method="pm_card_visa",
    )


@pytest.fixture
def refund(payment: Payment) -> Refund:
    payment.amount_captured = payment.amount
    repository.store(payment)
    return repository.add_refund(Refund.of(payment, reason="out_of_stock"))


def values(row: Model, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in names}


@pytest.mark.parametrize("model", [Payment, Refund])
def test_every_column_is_set_once_or_changeable(model):
    columns = {field.name for field in model._meta.concrete_fields}
    once, changeable = set(model.SET_ONCE), set(model.CHANGEABLE)
    assert once | changeable | {"updated_at"} == columns, "name the new column in SET_ONCE or CHANGEABLE"
    assert not once & changeable


CHANGED_PAYMENT: dict[str, Any] = {
    "state": "requires_payment_method",
    "amount_captured": Decimal("49.90"),
    "authorised_until": SOON,
    "idempotency_key": "capture:1042:2",
    "attempt": 2,
    "capture_attempt": 3,
    "method": "pm_card_mastercard",
    "reference": "pi_1042",
    "failure_code": "expired_card",
    "failure_message": "Your card has expired.",
    "confirm_url": "https://bank.example/confirm/1042",
    "stop_reason": "customer",
    "amount_refunded": Decimal("19.90"),
    "amount_refund_open": Decimal("30.00"),
}
CHANGED_REFUND: dict[str, Any] = {
    "state": "failed",
    "attempt": 2,
    "idempotency_key": "refund:1042:out_of_stock:2",
    "reference": "re_1042",
    "failure_code": "expired_or_canceled_card",
    "amount": Decimal("29.90"),
    "channel": "otherwise",
    "note": "in cash",
}


def test_every_changeable_column_of_a_payment_is_stored(payment):
    assert set(CHANGED_PAYMENT) == set(Payment.CHANGEABLE), "name the new column in CHANGED_PAYMENT"
    created_at = payment.updated_at
    for name, value in CHANGED_PAYMENT.items():
        setattr(payment, name, value)
    repository.store(payment)
    stored = Payment.objects.get()
    assert values(stored, Payment.CHANGEABLE) == CHANGED_PAYMENT
    assert stored.updated_at > created_at


def test_every_changeable_column_of_a_refund_is_stored(refund):
    assert set(CHANGED_REFUND) == set(Refund.CHANGEABLE), "name the new column in CHANGED_REFUND"
    created_at = refund.updated_at
    for name, value in CHANGED_REFUND.items():
        setattr(refund, name, value)
    repository.store_refund(refund)
    stored = Refund.objects.get()
    assert values(stored, Refund.CHANGEABLE) == CHANGED_REFUND
    assert stored.updated_at > created_at


@pytest.mark.parametrize("settle", OUTCOMES, ids=["held", "succeeded", "failed", "voided"])
def test_every_column_of_an_outcome_is_stored(payment, settle):
    settle(payment)
    assert repository.store_outcomes([payment]) == [payment]
    assert values(Payment.objects.get(), Payment.CHANGEABLE) == values(payment, Payment.CHANGEABLE)


def test_an_outcome_leaves_the_columns_alone_that_others_change(payment):
    Payment.objects.update(stop_reason="customer")
    payment.succeed(reference="pi_1042", captured=payment.amount)
    assert [stored.stop_reason for stored in repository.store_outcomes([payment])] == ["customer"]
    assert Payment.objects.get().stop_reason == "customer"


def test_what_is_set_once_is_never_stored_again(payment, refund):
    before = values(payment, Payment.SET_ONCE), values(refund, Refund.SET_ONCE)
    payment.order_id, payment.order_number = uuid7(), "ORD-1"
    payment.amount, payment.currency, payment.method = Decimal(1), "GBP", "pm_card_amex"
    payment.created_at = refund.created_at = timezone.now() + timedelta(days=1)
    refund.reason, refund.amount, refund.currency = "customer", Decimal(1), "GBP"
    repository.store(payment)
    repository.store_refund(refund)
    payment.state = "canceled"
    repository.store_outcomes([payment])
    stored = Payment.objects.get(), Refund.objects.get()
    assert (values(stored[0], Payment.SET_ONCE), values(stored[1], Refund.SET_ONCE)) == before
