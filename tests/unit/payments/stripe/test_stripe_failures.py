"""Failures of Stripe's API: nothing done, or an outcome that is unknown, and never twice."""

import logging
from datetime import timedelta

import pytest

from dev.processes import ports
from payments.errors import GatewayError, GatewayTimeout, GatewayUnavailable
from payments.gateway import ChargeRequest, gateway, provider_ledger
from shop.ids import uuid7
from shop.messaging.contracts import Money
from tests.support.stripe.server import API_KEY

pytestmark = pytest.mark.django_db

FIFTY = Money(amount="50.00", currency="EUR")
CREATE, CONFIRM = "POST /v1/payment_intents", r"POST /v1/payment_intents/\w+/confirm"
CAPTURE = r"POST /v1/payment_intents/\w+/capture"
REFUND, REFUNDS = "POST /v1/refunds", "GET /v1/refunds"


@pytest.fixture
def order_id():
    return uuid7()


@pytest.fixture
def charge(order_id):
    key = f"capture:{order_id}"

    def charge():
        held = gateway().authorise(key=key, amount=FIFTY, token="pm_card_visa", order_id=order_id)
        if held.status != "requires_capture":
            return held
        return gateway().capture(key=f"{key}:capture", charge=held.reference, amount=FIFTY)

    return charge


def refund(made, key="refund:1"):
    return gateway().refund(key=key, charge=made.reference, amount=FIFTY)


def balance():
    return [(line.captured, line.refunded) for line in provider_ledger()]


def taken():
    return [line.captured for line in provider_ledger() if line.captured]


@pytest.mark.parametrize("call", [CREATE, CONFIRM, CAPTURE])
@pytest.mark.parametrize("kind", ["429", "401"])
def test_where_nothing_was_done_the_gateway_is_unavailable(stripe_api, charge, kind, call):
    with stripe_api.failing(kind, call), pytest.raises(GatewayUnavailable, match=f"Stripe answered {kind}"):
        charge()
    assert taken() == []
    assert charge().status == "succeeded"


@pytest.mark.parametrize("call", [CREATE, CONFIRM, CAPTURE])
@pytest.mark.parametrize("kind", ["409", "503", "hangup"])
def test_where_stripe_may_have_acted_the_outcome_is_unknown(stripe_api, charge, order_id, kind, call):
    with stripe_api.failing(kind, call), pytest.raises(GatewayTimeout):
        charge()
    found = gateway().find(key=f"capture:{order_id}")
    assert found is None or (call, found.status) == (CAPTURE, "requires_capture")
    assert charge().status == "succeeded"
    assert balance() == [(50, 0)]


@pytest.mark.parametrize("call", [CREATE, CONFIRM, CAPTURE])
def test_a_request_that_the_shop_gets_wrong_declines_nobody(stripe_api, charge, call):
    with stripe_api.failing("400", call), pytest.raises(GatewayError, match="parameter_unknown"):
        charge()
    assert charge().status == "succeeded"


def test_a_refused_connection_has_done_nothing(stripe_api, charge, settings):
    settings.STRIPE_API_BASE = f"http://127.0.0.1:{ports.pick(36000)}"
    with pytest.raises(GatewayUnavailable, match="no connection to Stripe"):
        charge()


@pytest.mark.parametrize(("call", "done"), [(CONFIRM, "requires_capture"), (CAPTURE, "succeeded")])
def test_a_charge_whose_answer_is_lost_is_found_and_made_once(
    stripe_api, charge, order_id, settings, call, done
):
    settings.SHOP_STRIPE_TIMEOUT = timedelta(seconds=0.5)
    with stripe_api.failing("timeout", call), pytest.raises(GatewayTimeout, match="did not answer"):
        charge()
    settings.SHOP_STRIPE_TIMEOUT = timedelta(seconds=20)
    assert gateway().find(key=f"capture:{order_id}").status == done
    assert charge().status == "succeeded"
    assert balance() == [(50, 0)]


def test_a_failed_call_is_not_repeated_by_the_sdk(stripe_api, charge):
    with stripe_api.failing("503"), pytest.raises(GatewayTimeout):
        charge()
    assert len(stripe_api.seen) == 1


# --- Errors that Stripe stores under the key, and repeats for a day --------------------------


@pytest.mark.parametrize("call", [CONFIRM, CAPTURE])
@pytest.mark.parametrize("acts", [False, True])
def test_a_stored_error_at_confirmation_keeps_nobody_from_paying_once(stripe_api, charge, acts, call):
    with stripe_api.failing("500", call, acts=acts), pytest.raises(GatewayTimeout):
        charge()
    assert charge().status == "succeeded"
    assert balance() == [(50, 0)]


def test_an_intent_that_was_made_with_an_error_is_found_and_charged(stripe_api, charge):
    with stripe_api.failing("500", CREATE, acts=True), pytest.raises(GatewayTimeout):
        charge()
    assert charge().status == "succeeded"
    assert balance() == [(50, 0)]


@pytest.mark.parametrize("acts", [False, True])
def test_a_stored_error_of_a_refund_gives_back_once(stripe_api, charge, acts):
    made = charge()
    with stripe_api.failing("500", REFUND, acts=acts), pytest.raises(GatewayTimeout):
        refund(made)
    assert refund(made).status == "succeeded"
    assert balance() == [(50, 50)]


def test_a_refund_that_was_made_unseen_is_not_made_under_the_next_key(stripe_api, charge):
    """The list comes too early, the refund is made, and its error is stored."""
    made = charge()
    with stripe_api.failing("500", REFUND, acts=True), pytest.raises(GatewayTimeout):
        refund(made)
    hidden, listed = dict(stripe_api.account.refunds), len(stripe_api.calls(REFUNDS))
    stripe_api.account.refunds.clear()

    def show_later(call):
        if len(stripe_api.calls(REFUNDS)) > listed + 1:
            stripe_api.account.refunds.update(hidden)

    stripe_api.before_acting = show_later
    assert refund(made).reference in hidden
    assert len(stripe_api.account.refunds) == 1


def test_a_call_that_always_ends_in_stored_errors_goes_on_later(stripe_api, charge):
    with stripe_api.failing("500", CONFIRM):
        for _ in range(5):
            with pytest.raises(GatewayTimeout):
                charge()
    assert balance() == []


# --- Secrets ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["401", "409", "429", "500", "503", "hangup"])
def test_neither_keys_nor_means_of_payment_are_logged_or_told(stripe_api, caplog, kind):
    caplog.set_level(logging.DEBUG)
    orders = [uuid7(), uuid7()]
    asked = [ChargeRequest(f"capture:{order}", FIFTY, "pm_card_unheard_of", order) for order in orders]
    with stripe_api.failing(kind):
        gateway().authorise_many(asked)
        with pytest.raises((GatewayTimeout, GatewayUnavailable)) as caught:
            gateway().authorise(**asked[0]._asdict())
    gateway().authorise_many(asked)

    said = caplog.text + repr(caught.value) + repr(caught.value.__cause__) + str(caught.value)
    assert "capture:" in caplog.text
    assert API_KEY not in said
    assert "pm_card_unheard_of" not in said
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
