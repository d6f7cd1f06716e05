"""Payments on Stripe's page: sessions once per key, found again, and the page without a script."""

import re
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode
from urllib.request import HTTPRedirectHandler, Request, build_opener

import pytest

from payments.confirmation import HOSTED_PAGE
from payments.errors import GatewayTimeout
from payments.gateway import gateway, provider_ledger
from payments.stripe import webhooks
from shop.ids import uuid7, uuid7_at
from shop.messaging.contracts import Money
from tests.support.stripe import checkout

pytestmark = pytest.mark.django_db

FIFTY = Money(amount="50.00", currency="EUR")
CREATE, EXPIRE = "POST /v1/checkout/sessions", r"POST /v1/checkout/sessions/\w+/expire"


@pytest.fixture
def order_id():
    return uuid7()


@pytest.fixture
def hold(order_id):
    def hold(amount=FIFTY, order=order_id):
        key = f"capture:{order}"
        return gateway().authorise(key=key, amount=amount, token=HOSTED_PAGE, order_id=order)

    return hold


@pytest.fixture
def cancel(order_id):
    return lambda reference="": gateway().cancel(key=f"capture:{order_id}", charge=reference)


class Stays(HTTPRedirectHandler):
    def redirect_request(self, *args):
        return None


def visit(url, act=""):
    """Load the page, or press one of its buttons; return the status, the address led to, and the text."""
    data = urlencode({"act": act}).encode() if act else None
    opener = build_opener(Stays)
    opener.addheaders = []
    try:
        answer = opener.open(Request(url, data))  # noqa: S310 - the stand-in
    except OSError as error:
        answer = error
    return answer.status, answer.headers.get("Location", ""), answer.read().decode()


def find(asked, order_id):
    return gateway().find(key=f"capture:{order_id}", charge=asked.reference)


def sessions(stripe_api):
    return [session["status"] for session in stripe_api.account.sessions.values()]


def held():
    return sum(line.held for line in provider_ledger())


def test_a_session_has_the_key_holds_by_hand_and_leads_back_to_the_order(stripe_api, hold, order_id):
    hold()
    (create,) = stripe_api.seen
    assert (create.call, create.key) == (CREATE, f"capture:{order_id}")
    params, page = create.params, f"http://localhost:8000/orders/{order_id}/"
    assert (params["mode"], params["payment_intent_data"]["capture_method"]) == ("payment", "manual")
    assert params["payment_intent_data"]["metadata"]["shop_key"] == f"capture:{order_id}"
    assert (params["success_url"], params["cancel_url"]) == (page, page)


# --- The page, without a script ----------------------------------------------------------------


def test_the_customer_pays_on_a_page_that_needs_no_script(stripe_api, hold, order_id):
    asked = hold()
    status, _, text = visit(asked.confirm_url)
    assert (status, "<script" in text) == (200, False)
    assert re.findall(r'name="act" value="(\w+)"', text) == ["pay", "decline", "confirm", "back"]
    assert visit(asked.confirm_url, "pay")[:2] == (303, f"http://localhost:8000/orders/{order_id}/")
    assert find(asked, order_id).status == "requires_capture"
    assert visit(asked.confirm_url)[0] == 410
    assert held() == 50


def test_a_decline_is_dealt_with_on_the_page(stripe_api, hold, order_id):
    asked = hold()
    status, _, text = visit(asked.confirm_url, "decline")
    assert (status, "Your card was declined." in text) == (200, True)
    assert find(asked, order_id) == gateway().find(key=f"capture:{order_id}") == asked  # by its intent, too
    assert visit(asked.confirm_url, "pay")[0] == 303
    assert find(asked, order_id).status == "requires_capture"


@pytest.mark.parametrize(("answer", "status"), [("yes", "requires_capture"), ("no", "requires_action")])
def test_the_bank_asks_on_the_page(stripe_api, hold, order_id, answer, status):
    asked = hold()
    assert "3D Secure" in visit(asked.confirm_url, "confirm")[2]
    assert find(asked, order_id).status == "requires_action"
    visit(asked.confirm_url, answer)
    assert find(asked, order_id).status == status


def test_a_customer_who_goes_back_can_come_again(stripe_api, hold, order_id):
    asked = hold()
    assert visit(asked.confirm_url, "back")[1] == f"http://localhost:8000/orders/{order_id}/"
    assert find(asked, order_id) == asked


# --- Ends --------------------------------------------------------------------------------------


def test_a_page_that_has_expired_ends_the_payment(stripe_api, hold, order_id):
    asked = hold()
    visit(asked.confirm_url, "decline")  # it has an intent, which ends with it
    checkout.expire(stripe_api.account, asked.reference)
    ended = find(asked, order_id)
    assert (ended.status, ended.code) == ("canceled", "page_expired")
    assert {one["status"] for one in stripe_api.account.intents.values()} == {"canceled"}
    assert visit(asked.confirm_url, "pay")[0] == 410


def test_what_is_declined_or_asked_on_the_page_is_cancelled_with_it(stripe_api, hold, cancel):
    asked = hold()
    visit(asked.confirm_url, "confirm")
    assert cancel().status == "canceled"  # found by its intent
    assert visit(asked.confirm_url, "yes")[0] == 410
    assert (sessions(stripe_api), held()) == (["expired"], 0)


def test_a_customer_who_is_faster_than_the_cancellation_has_the_hold_released(stripe_api, hold, cancel):
    asked = hold()

    def pay_meanwhile(call):
        if re.fullmatch(EXPIRE, call):
            checkout.give_card(stripe_api.account, asked.reference, "pm_card_visa")

    stripe_api.before_acting = pay_meanwhile
    assert cancel(asked.reference).status == "canceled"
    assert (sessions(stripe_api), held()) == (["complete"], 0)


def test_a_search_that_lags_keeps_nobody_from_cancelling(stripe_api, hold, cancel):
    stripe_api.account.search_is_late = True
    asked = hold()
    visit(asked.confirm_url, "pay")
    assert cancel().status == "canceled"
    assert held() == 0


# --- Answers that are lost ---------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["500", "timeout"])
def test_a_session_whose_answer_was_lost_is_opened_once(stripe_api, settings, hold, order_id, kind):
    settings.SHOP_STRIPE_TIMEOUT = timedelta(seconds=0.5)
    with stripe_api.failing(kind, CREATE, acts=True), pytest.raises(GatewayTimeout):
        hold()
    assert hold().status == "requires_action"
    assert sessions(stripe_api) == ["open"]


def test_a_session_whose_answer_was_lost_is_cancelled(stripe_api, hold, cancel):
    with stripe_api.failing("500", CREATE, acts=True), pytest.raises(GatewayTimeout):
        hold()
    assert cancel().status == "canceled"
    assert sessions(stripe_api) == ["expired"]
    assert hold().status == "canceled"


def test_a_cancellation_whose_answer_was_lost_is_repeated(stripe_api, hold, cancel):
    asked = hold()
    with stripe_api.failing("500", EXPIRE, acts=True), pytest.raises(GatewayTimeout):
        cancel(asked.reference)
    assert cancel(asked.reference).status == "canceled"


def test_a_key_that_stripe_has_forgotten_opens_no_second_page(stripe_api, hold):
    order = uuid7_at(datetime.now(UTC) - timedelta(days=2))
    made = hold(order=order)
    stripe_api.forget_keys()
    assert hold(order=order) == made
    assert len(sessions(stripe_api)) == 1


def test_an_amount_that_stripe_cannot_take_is_a_decline(stripe_api, hold):
    made = hold(Money(amount="0.10", currency="EUR"))
    assert (made.status, made.code) == ("requires_payment_method", "amount_too_small")


# --- Notices -----------------------------------------------------------------------------------


def test_notices_of_a_session_are_about_it_and_lead_to_its_order(stripe_api, hold, order_id):
    paid = hold()
    visit(paid.confirm_url, "pay")
    events = [one for one in stripe_api.account.observe() if one["type"].startswith("checkout.")]
    (notice,) = filter(None, map(webhooks.notice_of, events))
    assert (notice.kind, notice.about) == ("checkout.session.completed", paid.reference)
    assert gateway().find_order(charge=paid.reference) == order_id
    assert gateway().find_order(charge="cs_test_nobody") is None
    assert list(gateway().find_refunds(charge=paid.reference)) == []
    assert list(gateway().find_disputes(charge=paid.reference)) == []
