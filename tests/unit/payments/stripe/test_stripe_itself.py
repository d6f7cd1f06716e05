"""Smoke test against Stripe's test mode. It runs only with a test key, and takes no money."""

import os

import pytest

from payments.gateway import gateway
from shop.ids import uuid7
from shop.messaging.contracts import Money

pytestmark = pytest.mark.django_db

KEY = os.environ.get("STRIPE_TEST_KEY", "")
FIFTY = Money(amount="50.00", currency="EUR")


@pytest.fixture(autouse=True)
def _stripe_itself(settings):
    if not KEY.startswith(("sk_test_", "rk_test_")):
        pytest.skip("Stripe itself was not asked: STRIPE_TEST_KEY is no test key (sk_test_..., rk_test_...)")
    settings.SHOP_PAYMENT_GATEWAY = "payments.stripe.gateway.StripeGateway"
    settings.STRIPE_API_KEY = KEY


def test_stripe_charges_once_refunds_once_and_declines():
    order_id, declined = uuid7(), uuid7()
    made = [_charge(order_id) for _ in range(2)]
    assert made[0] == made[1]
    assert made[0].status == "succeeded"

    refunds = [_refund(order_id, made[0].reference) for _ in range(2)]
    assert refunds[0].reference == refunds[1].reference
    assert [given.amount for given in gateway().find_refunds(charge=made[0].reference)] == [FIFTY]

    refused = _charge(declined, "pm_card_visa_chargeDeclinedInsufficientFunds")
    assert (refused.status, refused.code) == ("requires_payment_method", "insufficient_funds")
    must_confirm = _charge(uuid7(), "pm_card_authenticationRequired")
    assert (must_confirm.status, must_confirm.confirm_url[:8]) == ("requires_action", "https://")
    assert gateway().cancel(key=f"capture:{uuid7()}").status == "canceled"


def _charge(order_id, token="pm_card_visa"):  # noqa: S107
    held = gateway().authorise(key=f"capture:{order_id}", amount=FIFTY, token=token, order_id=order_id)
    if held.status != "requires_capture":
        return held
    return gateway().capture(key=f"capture:{order_id}:capture", charge=held.reference, amount=FIFTY)


def _refund(order_id, reference):
    return gateway().refund(key=f"refund:{order_id}", charge=reference, amount=FIFTY)
