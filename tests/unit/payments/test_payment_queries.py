"""Queries of payments: payments with refunds, and balances of both books for audits."""

import dataclasses
from decimal import Decimal

import pytest

from payments import queries
from payments.errors import IllegalTransition
from payments.gateway import gateway
from payments.models import Payment, Refund
from shop.ids import uuid7
from shop.messaging.contracts import Money

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("captures_at_once")]


def test_unknown_order_has_no_payments():
    assert queries.payments_of(uuid7()) == []


def test_payment_comes_with_its_refunds(order, happened, rejected, django_assert_num_queries):
    created = happened(order())
    happened(rejected(created.order_id))
    with django_assert_num_queries(2):
        [payment] = queries.payments_of(created.order_id)

    assert (payment.state, payment.order_number) == ("succeeded", "ORD-1042")
    assert payment.amount == payment.refunded == Money(amount="49.90", currency="EUR")
    [refund] = payment.refunds
    assert (refund.state, refund.reason, refund.can_be_retried) == ("succeeded", "out_of_stock", False)
    assert dataclasses.is_dataclass(payment)


def test_failed_refunds_wait_for_an_operator(order, happened, rejected):
    created = happened(order("pm_card_refundFail"))
    assert queries.failed_refunds() == []
    happened(rejected(created.order_id))

    [refund] = queries.failed_refunds()
    assert (refund.order_id, refund.can_be_retried) == (created.order_id, True)


def test_balances_agree_with_the_provider(order, happened, rejected, stopped):
    paid = happened(order())
    refunded = happened(order("pm_card_timeoutAfterCharge"))
    happened(rejected(refunded.order_id))
    declined = happened(order("pm_card_visa_chargeDeclined"))
    voided = happened(stopped(uuid7()))

    balances = {balance.order_id: balance for balance in queries.balances()}
    assert all(balance.agrees for balance in balances.values())
    assert {order_id: balance.kept for order_id, balance in balances.items()} == {
        paid.order_id: Decimal("49.90"),
        refunded.order_id: Decimal(0),
        declined.order_id: Decimal(0),
        voided.order_id: Decimal(0),
    }
    assert balances[refunded.order_id].provider_refunded == Decimal("49.90")


def test_balances_show_what_only_one_book_knows(order, happened, settings):
    ours = happened(order())
    Payment.objects.update(amount=Decimal("60.00"), amount_captured=Decimal("60.00"))
    theirs = uuid7()
    gateway().authorise(
        key=f"capture:{theirs}",
        amount=Money(amount="5.00", currency="EUR"),
        token="pm_card_visa",
        order_id=theirs,
    )
    held = happened_without_capture(order, happened, settings)
    gateway().cancel(key=f"capture:{held.order_id}")

    found = {balance.order_id: balance for balance in queries.balances()}
    assert not found[ours.order_id].agrees
    assert not found[theirs].agrees
    assert (found[theirs].held, found[theirs].provider_held) == (Decimal(0), Decimal("5.00"))
    assert (found[held.order_id].held, found[held.order_id].provider_held) == (Decimal("49.90"), Decimal(0))
    assert not found[held.order_id].agrees


def happened_without_capture(order, happened, settings):
    settings.SHOP_CAPTURE = "shipped"
    return happened(order())


@pytest.mark.parametrize("state", [state for state in Payment.State if state not in Payment.CANCELLABLE])
def test_settled_payment_stays_as_it_is(state):
    with pytest.raises(IllegalTransition, match=f"a {state} payment cannot become"):
        Payment(state=state).void()


def test_succeeded_refund_stays_as_it_is():
    with pytest.raises(IllegalTransition, match="a succeeded refund cannot become failed"):
        Refund(state="succeeded").become("failed", reference="re_1")
