"""Stripe's notices through the chain: in any order, twice, late or never, both books come to agree."""

import random
from datetime import timedelta

import pytest
from django.utils import timezone

from console.audit import audit
from orders.services import request_cancellation, resume_order
from payments.models import Dispute, Payment, Refund
from payments.services import capture_payments, receive_missed_notices
from payments.stripe.webhooks import KINDS
from shipping.models import Shipment
from shop.messaging.models import EventRecord, OutboxEntry, ScheduledMessage
from shop.webhooks import notices
from shop.webhooks.models import ProviderNotice
from tests.support.inprocess import deliver_all, fire_retries
from tests.support.stripe.disputes import decide, open_dispute
from tests.support.stripe.fixtures import stand_in, stripe_api  # noqa: F401 - fixtures
from tests.support.stripe.webhooks import post
from tests.unit.console.damage import deliver_without, repair, states

CONFIRM = r"POST /v1/payment_intents/\w+/confirm"


@pytest.fixture
def account(shop, stripe_api):  # noqa: F811
    return stripe_api.account


@pytest.fixture
def send(client, account):
    """Have Stripe send all events of use that it has not sent yet, or these."""
    sent = []

    def send(events=None):
        new = events or [event for event in account.observe() if event["id"] not in sent]
        sent.extend(event["id"] for event in new)
        assert {post(client, event).status_code for event in new if event["type"] in KINDS} <= {200}

    return send


def payment_of(order):
    return Payment.objects.get(order_id=order.pk)


def said(order, context="payments"):
    records = EventRecord.objects.filter(aggregate_id=order.pk, type__startswith=f"{context}.")
    return [record.type.split(".")[1] for record in records.order_by("position")]


def agrees():
    return [str(violation) for violation in audit(idle=True).violations] == []


# --- Outcomes ------------------------------------------------------------------------------------


def test_events_shuffled_and_twice_change_nothing_that_is_known(shop, account, send):
    delivered, declined, refused = shop.delivered(), shop.declined(), shop.refused_by_carrier()
    before = [said(order) for order in (delivered, declined, refused)]
    events = account.observe() * 2
    random.Random(7).shuffle(events)
    send(events)
    shop.run_to_end()

    assert [said(order) for order in (delivered, declined, refused)] == before
    assert ProviderNotice.objects.filter(worked_at=None).count() == 0
    assert agrees()


def test_a_payment_whose_answer_was_lost_is_learnt_from_its_notice(shop, account, stripe_api, send):  # noqa: F811
    with (
        stripe_api.failing("503", r"GET /v1/payment_intents/\w+.*"),
        stripe_api.failing("500", CONFIRM, acts=True),
    ):
        order = shop.place()
        deliver_all()
    assert payment_of(order).state == "processing"
    retries = ScheduledMessage.objects.filter(kind="retry")
    retries.update(due_at=timezone.now() + timedelta(days=1))
    send()
    assert payment_of(order).state == "processing", "only a worker works the notice"
    shop.run_to_end()
    shop.expect_status(order, "delivered")
    assert retries.exists(), "the retry would have found it, later"
    fire_retries()
    assert said(order).count("PaymentProcessed") == 1
    assert agrees()


def test_what_comes_while_stripe_is_away_is_looked_into_afterwards(shop, account, stripe_api, send):  # noqa: F811
    order = shop.delivered()
    account.refund_in_dashboard(payment_of(order).reference)
    send()
    with stripe_api.failing("503"):
        deliver_all()
        assert payment_of(order).amount_refunded == 0
    fire_retries()
    assert payment_of(order).amount_refunded == order.total
    assert agrees()


def test_a_payment_of_others_in_the_same_account_is_left_alone(shop, account, send):
    order = shop.delivered()
    account.create_intent({"amount": "990", "currency": "eur", "payment_method": "pm_card_visa"})
    [theirs] = [name for name, intent in account.intents.items() if not intent["metadata"]]
    account.confirm_intent(theirs, {})
    send()
    deliver_all()
    assert Payment.objects.count() == 1
    assert not ProviderNotice.objects.filter(worked_at=None).exists()
    assert shop.expect_status(order, "delivered")


@pytest.fixture
def held(shop):
    """An order whose amount is held, and that the stock has not answered."""
    order = shop.place()
    deliver_without("inventory.when_payment_processed_deduct_stock")
    assert payment_of(order).state == "requires_capture"
    return order


def test_what_a_person_captures_in_the_dashboard_is_taken_once(shop, account, send, held):
    account.capture_intent(payment_of(held).reference, {})
    send()
    deliver_all()
    assert payment_of(held).state == "succeeded"
    stock_answers()
    shop.run_to_end()
    shop.expect_status(held, "delivered")
    assert said(held).count("PaymentCaptured") == 1
    assert agrees()


def test_a_hold_that_a_person_ends_in_the_dashboard_is_no_longer_counted_on(shop, account, send, held):
    account.cancel_intent(payment_of(held).reference, {})
    send()
    deliver_all()
    assert not payment_of(held).is_held
    assert said(held)[-1] == "CaptureFailed"


# --- Refunds -------------------------------------------------------------------------------------


@pytest.mark.parametrize("amount", [None, 100])
def test_a_refund_in_the_dashboard_is_learnt_from_its_notice(shop, account, send, amount):
    order = shop.delivered()
    account.refund_in_dashboard(payment_of(order).reference, amount)
    send()
    deliver_all()
    [refund] = Refund.objects.all()
    assert (refund.channel, refund.amount, refund.state) == (
        "provider",
        amount / 100 if amount else order.total,
        "succeeded",
    )
    assert said(order)[-1] == "PaymentRefunded"
    assert agrees()


def test_a_refund_whose_notice_was_missed_is_found_by_asking(shop, account):
    order = shop.delivered()
    account.refund_in_dashboard(payment_of(order).reference)
    assert receive_missed_notices()
    deliver_all()
    assert payment_of(order).amount_refunded == order.total
    assert agrees()


def test_notices_that_came_while_no_worker_ran_are_worked_later(shop, account, send):
    order = shop.delivered()
    account.refund_in_dashboard(payment_of(order).reference)
    send()
    OutboxEntry.objects.all().delete()  # the broker lost them, too
    assert ("notice", "repaired") in states(repair())
    deliver_all()
    assert payment_of(order).amount_refunded == order.total
    assert notices.unworked(grace=timedelta()) == {}


# --- Disputes ------------------------------------------------------------------------------------


def test_a_dispute_of_a_delivered_order_is_only_shown(shop, account, send):
    order = shop.delivered()
    open_dispute(account, payment_of(order).reference, reason="product_not_received")
    send()
    deliver_all()
    dispute = Dispute.objects.get()
    assert (dispute.status, dispute.reason, dispute.amount) == (
        "needs_response",
        "product_not_received",
        order.total,
    )
    assert dispute.evidence_due_at
    assert dispute.url == f"https://dashboard.stripe.com/test/disputes/{dispute.reference}"
    shop.expect_status(order, "delivered")
    assert said(order)[-1] == "PaymentDisputed"
    assert agrees()


@pytest.fixture
def disputed(shop, account, send):
    """An order that is paid and disputed before the stock has answered."""
    order = shop.place()
    deliver_without("inventory.when_payment_processed_deduct_stock")
    capture_payments(order_ids=[order.pk])
    open_dispute(account, payment_of(order).reference)
    send()
    deliver_all()
    return order


def stock_answers():
    """Have the doctor resend the event that the stock has missed."""
    assert ("lost", "repaired") in states(repair())
    deliver_all()


def decide_as(account, status, send):
    decide(account, Dispute.objects.get().reference, status)
    send()
    deliver_all()


def test_a_disputed_order_does_not_leave_though_the_stock_answers(shop, account, disputed):
    shop.expect_status(disputed, "needs_attention")
    assert (disputed.attention_reason, disputed.stage) == ("disputed", "paid")
    stock_answers()
    shop.expect_status(disputed, "needs_attention")
    assert (disputed.attention_reason, disputed.stage) == ("disputed", "in_fulfilment")
    assert Shipment.objects.get().state == "remembered"
    assert said(disputed, "shipping") == []
    assert agrees()


@pytest.mark.parametrize("stock_first", [True, False])
def test_an_order_whose_dispute_is_won_leaves_by_itself(shop, account, send, disputed, stock_first):
    if stock_first:
        stock_answers()
    decide_as(account, "under_review", send)
    shop.expect_status(disputed, "needs_attention")
    decide_as(account, "won", send)
    if not stock_first:
        shop.expect_status(disputed, "paid")
        stock_answers()
    shop.run_to_end()
    shop.expect_status(disputed, "delivered")
    assert Dispute.objects.get().status == "won"
    assert [name for name in said(disputed) if "Dispute" in name] == ["PaymentDisputed", "DisputeClosed"]
    assert agrees()


def test_an_operator_may_ship_although_the_dispute_goes_on(shop, disputed):
    stock_answers()
    resume_order(order_id=disputed.pk)
    shop.run_to_end()
    shop.expect_status(disputed, "delivered")
    assert agrees()


@pytest.mark.parametrize("lost_first", [True, False])
def test_an_order_whose_dispute_is_lost_is_cancelled_and_the_books_agree(
    shop, account, send, disputed, lost_first
):
    stock_answers()
    if lost_first:
        decide_as(account, "lost", send)
        shop.expect_status(disputed, "needs_attention")
        assert payment_of(disputed).amount_refunded == disputed.total
        assert agrees()
    request_cancellation(order_id=disputed.pk, reason="operator")
    shop.run_to_end()
    if not lost_first:
        shop.expect_status(disputed, "needs_attention")
        assert disputed.attention_reason == "refund_failed", "Stripe refunds no charge that is disputed"
        decide_as(account, "lost", send)
        shop.run_to_end()
    shop.expect_status(disputed, "cancelled")
    assert agrees()


@pytest.mark.parametrize("amount", [None, 100])
def test_a_lost_dispute_of_a_delivered_order_counts_as_given_back(shop, account, send, amount):
    order = shop.delivered()
    open_dispute(account, payment_of(order).reference, amount=amount)
    send()
    deliver_all()
    assert agrees()
    decide_as(account, "lost", send)
    [refund] = Refund.objects.all()
    assert (refund.channel, refund.amount) == ("provider", amount / 100 if amount else order.total)
    assert said(order)[-3:] == ["PaymentDisputed", "DisputeClosed", "PaymentRefunded"]
    shop.expect_status(order, "delivered")
    assert agrees()


def test_a_dispute_that_has_ended_before_anyone_looked_is_recorded_as_it_ended(shop, account, send):
    order = shop.delivered()
    name = open_dispute(account, payment_of(order).reference)
    account.observe()
    decide(account, name, "won")
    events = account.observe()
    send(events[::-1])
    deliver_all()
    assert Dispute.objects.get().status == "won"
    assert [name for name in said(order) if "Dispute" in name] == ["PaymentDisputed", "DisputeClosed"]

    decide(account, name, "under_review")  # as a slower worker was told
    send()
    deliver_all()
    assert Dispute.objects.get().status == "won"


def test_a_dispute_of_a_payment_whose_answer_was_lost_is_recorded(shop, account, stripe_api, send):  # noqa: F811
    with (
        stripe_api.failing("503", r"GET /v1/payment_intents/\w+.*"),
        stripe_api.failing("500", CONFIRM, acts=True),
    ):
        order = shop.place()
        deliver_all()
    (intent,) = account.intents
    account.capture_intent(intent, {})  # by a person, in the dashboard
    open_dispute(account, intent)
    send([event for event in account.observe() if event["type"] == "charge.dispute.created"])
    deliver_all()
    assert said(order) == ["PaymentProcessed", "PaymentDisputed"]
    assert (Dispute.objects.get().status, Dispute.objects.get().amount) == ("needs_response", order.total)


def test_an_inquiry_holds_the_order_and_costs_nothing_when_it_is_closed(shop, account, send):
    order = shop.place()
    deliver_without("inventory.when_payment_processed_deduct_stock")
    open_dispute(account, payment_of(order).reference, inquiry=True)
    send()
    deliver_all()
    shop.expect_status(order, "needs_attention")
    decide_as(account, "warning_closed", send)
    shop.expect_status(order, "paid")
    assert payment_of(order).amount_refunded == 0
