"""Charges through Stripe's API: what no other gateway has to care for."""

import threading
from datetime import UTC, datetime, timedelta

import pytest

from payments.errors import GatewayError, GatewayTimeout
from payments.gateway import CancelRequest, ChargeRequest, gateway, provider_ledger
from shop.ids import uuid7, uuid7_at
from shop.messaging.contracts import Money
from tests.support.stripe.account import MUST_CONFIRM, PROCESSES, USED_BEFORE

pytestmark = pytest.mark.django_db

FIFTY = Money(amount="50.00", currency="EUR")
CREATE, CONFIRM = "POST /v1/payment_intents", r"POST /v1/payment_intents/\w+/confirm"
CAPTURE = r"POST /v1/payment_intents/\w+/capture"
SEARCH, CANCEL = "GET /v1/payment_intents/search", r"POST /v1/payment_intents/\w+/cancel"


@pytest.fixture
def order_id():
    return uuid7()


@pytest.fixture
def hold(order_id):
    def hold(token="pm_card_visa", amount=FIFTY, order=order_id):  # noqa: S107
        return gateway().authorise(key=f"capture:{order}", amount=amount, token=token, order_id=order)

    return hold


@pytest.fixture
def charge(order_id, hold):
    def charge(token="pm_card_visa", amount=FIFTY, order=order_id):  # noqa: S107
        held = hold(token, amount, order)
        if held.status != "requires_capture":
            return held
        return gateway().capture(key=f"capture:{order}:capture", charge=held.reference, amount=amount)

    return charge


def statuses(stripe_api):
    return [intent["status"] for intent in stripe_api.account.intents.values()]


def captured():
    return sum(line.captured for line in provider_ledger())


def test_the_key_is_the_idempotency_key_and_in_the_metadata(stripe_api, charge, order_id):
    charge()
    (create,), (confirm,) = stripe_api.calls(CREATE), stripe_api.calls(CONFIRM)
    (capture,) = stripe_api.calls(CAPTURE)

    assert create.key == f"capture:{order_id}"
    assert confirm.key == f"capture:{order_id}:confirm"
    assert confirm.params["return_url"] == f"http://localhost:8000/orders/{order_id}/"
    assert create.params["metadata"]["shop_key"] == f"capture:{order_id}"
    assert "pm_card_visa" not in str(create.params["metadata"])
    assert create.params["capture_method"] == "manual"
    assert capture.key == f"capture:{order_id}:capture"
    assert len(stripe_api.seen) == 3  # nothing else is asked in the usual case


# --- States of Stripe's that the shop does not know yet --------------------------------------


def test_a_customer_who_would_have_to_confirm_in_the_shops_page_is_declined(stripe_api, charge, order_id):
    stripe_api.account.asks_in_the_shops_page = True
    made = charge(MUST_CONFIRM)

    assert (made.status, made.code) == ("requires_payment_method", "authentication_required")
    assert charge(MUST_CONFIRM) == made == gateway().find(key=f"capture:{order_id}")
    assert "requires_action" not in statuses(stripe_api)
    assert captured() == 0


def test_a_charge_that_stripe_is_processing_has_no_outcome_yet(stripe_api, charge, order_id):
    with pytest.raises(GatewayTimeout, match="processing"):
        charge(PROCESSES)
    assert gateway().find(key=f"capture:{order_id}") is None
    with pytest.raises(GatewayTimeout):
        gateway().cancel(key=f"capture:{order_id}")

    (intent,) = stripe_api.account.intents.values()
    intent["status"] = "succeeded"
    assert gateway().find(key=f"capture:{order_id}").status == "succeeded"


def test_a_means_of_payment_that_is_refused_at_confirmation_is_a_decline(stripe_api, charge, order_id):
    made = charge(USED_BEFORE)
    assert (made.status, made.code) == ("requires_payment_method", "payment_method_not_available")
    assert statuses(stripe_api) == ["canceled"]
    assert charge(USED_BEFORE) == made == gateway().find(key=f"capture:{order_id}")


@pytest.mark.parametrize(
    ("amount", "currency", "code"),
    [
        ("0.10", "EUR", "amount_too_small"),
        ("1.50", "MGA", "invalid_charge_amount"),
        ("5.123", "KWD", "invalid_request"),
    ],
)
def test_an_amount_that_stripe_cannot_charge_is_a_decline(stripe_api, charge, amount, currency, code):
    made = charge(amount=Money(amount=amount, currency=currency))
    assert (made.status, made.code) == ("requires_payment_method", code)
    assert captured() == 0


# --- A day later -----------------------------------------------------------------------------


def test_a_key_that_stripe_has_forgotten_charges_no_second_time(stripe_api, charge):
    order = uuid7_at(datetime.now(UTC) - timedelta(days=2))
    made = charge(order=order)
    stripe_api.forget_keys()

    assert charge(order=order) == made
    assert captured() == 50


def test_a_cancelled_key_that_stripe_has_forgotten_cannot_be_charged(stripe_api, charge):
    order = uuid7_at(datetime.now(UTC) - timedelta(days=2))
    gateway().cancel(key=f"capture:{order}")
    stripe_api.forget_keys()

    assert charge(order=order).status == "canceled"
    assert captured() == 0


# --- A search that lags ----------------------------------------------------------------------


def test_a_cancelled_key_cannot_be_charged_while_the_search_does_not_find_it(stripe_api, charge, order_id):
    stripe_api.account.search_is_late = True
    assert gateway().cancel(key=f"capture:{order_id}").status == "canceled"
    assert gateway().cancel(key=f"capture:{order_id}").status == "canceled"
    with pytest.raises(GatewayTimeout, match="not found yet"):
        charge()

    stripe_api.account.search_is_late = False
    assert charge().status == "canceled"
    assert captured() == 0


def test_a_charge_cannot_be_cancelled_while_the_search_does_not_find_it(stripe_api, charge, order_id):
    stripe_api.account.search_is_late = True
    made = charge()
    assert charge() == made
    with pytest.raises(GatewayTimeout, match="not found yet"):
        gateway().cancel(key=f"capture:{order_id}")

    stripe_api.account.search_is_late = False
    assert gateway().cancel(key=f"capture:{order_id}") == made
    assert captured() == 50


def test_a_charge_is_found_as_it_stands_and_not_as_it_was_when_it_was_indexed(stripe_api, charge, order_id):
    with stripe_api.failing("503", CONFIRM), pytest.raises(GatewayTimeout):
        charge()
    assert gateway().find(key=f"capture:{order_id}") is None

    stripe_api.account.search_is_late = True
    made = charge()
    assert gateway().find(key=f"capture:{order_id}") == made


def test_a_cancellation_that_broke_off_keeps_the_key_from_being_charged(stripe_api, charge, order_id):
    with stripe_api.failing("503", CANCEL), pytest.raises(GatewayTimeout):
        gateway().cancel(key=f"capture:{order_id}")
    assert charge().status == "canceled"
    assert statuses(stripe_api) == ["canceled"]


def test_a_search_that_is_refused_is_no_decline(stripe_api, charge, monkeypatch):
    monkeypatch.setattr("payments.stripe.lookup.KEY", 'no"key')
    with pytest.raises(GatewayError, match="Stripe answered 400"):
        charge(order=uuid7_at(datetime.now(UTC) - timedelta(days=2)))


# --- Several at once -------------------------------------------------------------------------


def ask_for(number, token="pm_card_visa"):  # noqa: S107
    return [
        ChargeRequest(f"capture:{order}", FIFTY, token, order) for order in (uuid7() for _ in range(number))
    ]


def test_several_charges_share_a_bounded_number_of_connections(stripe_api, settings):
    settings.SHOP_STRIPE_CONNECTIONS = 3
    together = threading.Barrier(3, timeout=20)
    stripe_api.before_acting = lambda call: together.wait() if call == CREATE else None

    assert len(gateway().authorise_many(ask_for(6))) == 6  # three at once, or the barrier breaks
    assert len({seen.thread for seen in stripe_api.seen}) <= 3


def test_of_several_charges_those_that_fail_are_left_out(stripe_api):
    asked = ask_for(3)
    with stripe_api.failing("429", CREATE, calls=1):
        charges = gateway().authorise_many(asked)
    assert len(charges) == 2
    assert sum(line.held for line in provider_ledger()) == 100


def test_of_several_cancellations_those_that_fail_are_left_out(stripe_api):
    held = gateway().authorise_many(ask_for(3))
    asked = [CancelRequest(key, charge.reference) for key, charge in held.items()]
    with stripe_api.failing("429", CANCEL, calls=1):
        assert len(gateway().cancel_many(asked)) == 2
    assert sum(line.held for line in provider_ledger()) == 50


# --- Captures --------------------------------------------------------------------------------


def test_a_hold_that_has_ended_is_not_captured(stripe_api, hold, order_id):
    held = hold()
    stripe_api.account.expire_hold(held.reference)
    refused = gateway().capture(key="k", charge=held.reference, amount=FIFTY)
    assert (refused.status, refused.code) == ("canceled", "payment_intent_unexpected_state")
    assert captured() == 0


def test_an_intent_of_an_earlier_release_that_is_charged_at_once_is_captured(stripe_api, order_id):
    account = stripe_api.account
    params = {"amount": "5000", "currency": "eur", "payment_method": "pm_card_visa"}
    made = account.create_intent(params | {"metadata": {"shop_key": f"capture:{order_id}"}})
    account.confirm_intent(made["id"], {})
    assert gateway().find(key=f"capture:{order_id}").status == "succeeded"
    assert gateway().capture(key="k", charge=made["id"], amount=FIFTY).status == "succeeded"
    assert captured() == 50
