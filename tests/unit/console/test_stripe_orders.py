"""Orders that are paid through Stripe's SDK: the chain, and the audit of both books."""

import pytest

from console.audit import audit
from orders.services import request_cancellation
from payments.models import Payment
from payments.services import learn_refunds
from shipping.models import CarrierFault
from shop.messaging.contracts import Money
from tests.support.inprocess import deliver_all, fire_retries
from tests.support.stripe.account import MUST_CONFIRM
from tests.support.stripe.fixtures import stand_in, stripe_api  # noqa: F401 - fixtures

CONFIRM = r"POST /v1/payment_intents/\w+/confirm"


@pytest.fixture
def account(shop, stripe_api):  # noqa: F811
    return stripe_api.account


def payment_of(order):
    return Payment.objects.get(order_id=order.pk)


def taken(account):
    """Return what Stripe has taken and not given back, in cents."""
    captured = [charge for charge in account.charges.values() if charge["captured"]]
    return sum(charge["amount_captured"] - charge["amount_refunded"] for charge in captured)


def books_agree():
    return [str(violation) for violation in audit(idle=True).violations] == []


def test_orders_of_every_outcome_agree_with_the_books_of_stripe(shop, account):
    delivered, declined, refused = shop.delivered(), shop.declined(), shop.refused_by_carrier()
    stopped, unconfirmed = shop.cancelled(), shop.place(pays_with=MUST_CONFIRM)
    deliver_all()
    account.customer_answers(payment_of(unconfirmed).reference, confirms=False)
    shop.run_to_end()

    shop.expect_status(unconfirmed, "cancelled")
    orders = [delivered, declined, refused, stopped, unconfirmed]
    assert [payment_of(order).failure_code for order in orders] == [
        "",
        "generic_decline",
        "",
        "",
        "payment_intent_authentication_failure",
    ]
    assert payment_of(refused).amount_refunded == refused.total
    assert taken(account) == delivered.total * 100
    assert books_agree()


def test_a_held_amount_is_released_when_its_order_is_cancelled(shop, account):
    CarrierFault.objects.create(kind="outage")
    order = shop.place()
    deliver_all()
    request_cancellation(order_id=order.pk, reason="customer")
    CarrierFault.objects.all().delete()
    shop.run_to_end()
    fire_retries()
    shop.run_to_end()
    shop.expect_status(order, "cancelled")
    assert [intent["status"] for intent in account.intents.values()] == ["canceled"]
    assert account.refunds == {}
    assert books_agree()


def test_a_paid_order_that_is_cancelled_is_refunded(shop, account, settings):
    settings.SHOP_CAPTURE = "placed"
    carrier = CarrierFault.objects.create(kind="outage")
    order = shop.place()
    deliver_all()
    assert taken(account) == order.total * 100

    request_cancellation(order_id=order.pk, reason="customer")
    carrier.delete()
    shop.run_to_end()
    fire_retries()
    shop.run_to_end()
    shop.expect_status(order, "cancelled")
    assert [refund["metadata"]["shop_key"].split(":")[0] for refund in account.refunds.values()] == ["refund"]
    assert taken(account) == 0
    assert books_agree()


def test_orders_wait_while_stripe_is_away_and_are_paid_afterwards(shop, account, stripe_api):  # noqa: F811
    with stripe_api.failing("503"):
        orders = [shop.place(MUG=1) for _ in range(2)]
        deliver_all()
        assert {payment_of(order).state for order in orders} == {"processing"}
    fire_retries()
    shop.run_to_end()

    for order in orders:
        shop.expect_status(order, "delivered")
    assert len(account.intents) == 2
    assert books_agree()


def test_a_charge_whose_answer_was_lost_is_not_made_twice(shop, account, stripe_api):  # noqa: F811
    with stripe_api.failing("500", CONFIRM, acts=True):
        order = shop.place()
        deliver_all()
    fire_retries()
    shop.run_to_end()

    shop.expect_status(order, "delivered")
    assert taken(account) == order.total * 100
    assert books_agree()


def test_what_was_given_back_in_the_dashboard_is_seen_by_the_audit_and_taken_over(shop, account):
    order = shop.delivered()
    account.refund_in_dashboard(payment_of(order).reference, 100)
    assert not books_agree()

    (refund,) = learn_refunds(order_id=order.pk)
    deliver_all()
    assert refund.money == Money(amount="1.00", currency="EUR")
    assert books_agree()
