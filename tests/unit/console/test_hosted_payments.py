"""Orders that are paid on Stripe's page, through the chain of all contexts."""

import random
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from console.audit import audit
from orders.services import request_cancellation
from payments.confirmation import HOSTED_PAGE
from payments.models import Payment
from payments.services import receive_missed_notices
from payments.stripe.webhooks import KINDS
from shop.messaging.models import EventRecord
from tests.support.inprocess import deliver_all, fire_reminders, fire_retries
from tests.support.stripe.checkout import expire, give_card
from tests.support.stripe.fixtures import stand_in, stripe_api  # noqa: F401 - fixtures
from tests.support.stripe.webhooks import post

CREATE, EXPIRE = "POST /v1/checkout/sessions", r"POST /v1/checkout/sessions/\w+/expire"
DECLINED = "pm_card_visa_chargeDeclined"


@pytest.fixture
def account(shop, stripe_api):  # noqa: F811
    return stripe_api.account


@pytest.fixture
def waiting(shop, account):
    """Order whose customer has not paid on the page yet."""
    order = shop.place(pays_with=HOSTED_PAGE, retry_payment=True)
    deliver_all()
    return shop.expect_status(order, "placed")


@pytest.fixture
def send(client, account):
    """Have Stripe send all its events of use twice, in any order."""

    def send():
        events = [event for event in account.observe() if event["type"] in KINDS] * 2
        random.Random(3).shuffle(events)
        assert {post(client, event).status_code for event in events} <= {200}
        deliver_all()

    return send


def payment_of(order):
    return Payment.objects.get(order_id=order.pk)


def give(account, order, token="pm_card_visa"):  # noqa: S107
    return give_card(account, payment_of(order).reference, token)


def due(order):
    client = APIClient()
    client.force_authenticate(User.objects.get(username="alice"))
    return client.get(f"/api/v1/orders/{order.pk}").json()["payment"]


def pay_again(order):
    client = APIClient()
    client.force_authenticate(User.objects.get(username="alice"))
    body, headers = {"payment_method": HOSTED_PAGE}, {"Idempotency-Key": "again"}
    path = f"/api/v1/orders/{order.pk}/payments"
    assert client.post(path, body, format="json", headers=headers).status_code == 202
    deliver_all()


def said(order):
    records = EventRecord.objects.filter(aggregate_id=order.pk, type__startswith="payments.")
    return [record.type.split(".")[1] for record in records.order_by("position")]


def statuses(account):
    return [session["status"] for session in account.sessions.values()]


def violations():
    return [str(violation) for violation in audit(idle=True).violations]


def test_the_order_waits_with_the_address_of_the_page_and_holds_nothing(account, waiting):
    assert (due(waiting)["status"], due(waiting)["confirm_url"]) == (
        "requires_action",
        next(iter(account.sessions.values()))["url"],
    )
    assert account.intents == {}
    assert violations() == []


def test_notices_in_any_order_and_twice_pay_the_order_once(shop, account, waiting, send):
    assert give(account, waiting, DECLINED) == "Your card was declined."
    send()
    assert payment_of(waiting).state == "requires_action", "the page deals with it"
    give(account, waiting)
    send()
    shop.run_to_end()
    shop.expect_status(waiting, "delivered")
    assert said(waiting) == ["PaymentActionRequired", "PaymentProcessed", "PaymentCaptured"]
    assert payment_of(waiting).reference in account.intents
    assert violations() == []


def test_a_payment_whose_notice_was_lost_is_found_by_asking(shop, account, waiting):
    give(account, waiting)
    assert receive_missed_notices() > 0
    shop.run_to_end()
    shop.expect_status(waiting, "delivered")
    assert violations() == []


def test_a_payment_without_any_notice_is_found_by_the_check(shop, account, waiting, settings):
    give(account, waiting)
    fire_reminders()
    assert payment_of(waiting).is_held or payment_of(waiting).is_captured
    shop.run_to_end()
    assert violations() == []


def test_a_page_that_expires_ends_the_attempt_and_another_page_pays(shop, account, waiting, send):
    expire(account, payment_of(waiting).reference)
    send()
    assert (due(waiting)["status"], due(waiting)["code"]) == ("requires_payment_method", "page_expired")
    pay_again(waiting)
    give(account, waiting)
    send()
    shop.run_to_end()
    shop.expect_status(waiting, "delivered")
    assert statuses(account) == ["expired", "complete"]
    assert violations() == []


def test_another_attempt_closes_the_former_page(account, waiting):
    former = payment_of(waiting).reference
    pay_again(waiting)
    assert statuses(account) == ["expired", "open"]
    assert payment_of(waiting).reference != former


def test_a_page_is_closed_when_the_order_is_not_paid_in_time(shop, account, waiting, settings):
    settings.SHOP_PAYMENT_DEADLINE = timedelta(0)
    shop.run_to_end()
    assert shop.expect_status(waiting, "cancelled").cancel_reason == "payment_overdue"
    assert statuses(account) == ["expired"]
    assert said(waiting) == ["PaymentActionRequired", "PaymentVoided"]
    assert violations() == []


def test_a_cancellation_whose_answer_is_lost_closes_the_page_once(shop, account, waiting, stripe_api):  # noqa: F811
    with stripe_api.failing("500", EXPIRE, acts=True):
        request_cancellation(order_id=waiting.pk, reason="customer")
        deliver_all()
    fire_retries()
    shop.run_to_end()
    shop.expect_status(waiting, "cancelled")
    assert statuses(account) == ["expired"]
    assert said(waiting) == ["PaymentActionRequired", "PaymentVoided"]


def test_a_customer_who_paid_before_the_order_was_cancelled_gets_the_hold_released(shop, account, waiting):
    give(account, waiting)
    request_cancellation(order_id=waiting.pk, reason="customer")
    shop.run_to_end()
    shop.expect_status(waiting, "cancelled")
    assert [intent["status"] for intent in account.intents.values()] == ["canceled"]
    assert violations() == []


@pytest.mark.parametrize("stopped", [False, True])
def test_a_page_whose_answer_is_lost_is_opened_or_closed_once(shop, account, stripe_api, send, stopped):  # noqa: F811
    with stripe_api.failing("500", CREATE, acts=True):
        order = shop.place(pays_with=HOSTED_PAGE)
        deliver_all()
    if stopped:
        request_cancellation(order_id=order.pk, reason="customer")
        deliver_all()
    fire_retries()
    deliver_all()
    assert statuses(account) == ["expired" if stopped else "open"]
    if not stopped:
        give(account, order)
        send()
    shop.run_to_end()
    shop.expect_status(order, "cancelled" if stopped else "delivered")
    assert violations() == []
