"""Stalled orders continue where that is safe; the others are left to an operator."""

from datetime import timedelta

import pytest
from django.utils import timezone

from console.audit import audit
from orders.models import Return
from orders.returns.services import approve_return, request_return
from orders.services import request_cancellation, resume_order
from payments.models import GatewayFault, Payment, SimulatedCharge
from shipping.models import CarrierFault, Shipment, SimulatedLabel
from shop.messaging.dead_letters import replay_dead_letter
from shop.messaging.models import EventRecord
from tests.support.inprocess import deliver_all, fire_reminders
from tests.unit.console.damage import (
    dead_letter_retries,
    deliver_without,
    let_hours_pass,
    lose_timers,
    mend_providers,
    repair,
    states,
    status_of,
)

DEDUCTING = "inventory.when_payment_processed_deduct_stock"
CHARGING = "payments.when_order_created_charge_customer"


@pytest.fixture(autouse=True)
def unhurried(shop, settings):
    """Prevent parcels and refunds from moving by themselves."""
    settings.SHOP_TRACKING_INTERVAL = settings.SHOP_REFUND_CHECK_INTERVAL = timedelta(days=1)


def expect_no_findings(shop) -> None:
    shop.run_to_end()
    assert repair().outcomes == []
    assert audit(idle=True).holds


# --- Timers ---


def test_a_deadline_whose_timer_is_lost_acts_after_all(shop):
    order = shop.place()
    deliver_without(CHARGING, consumed=True)
    lose_timers()
    assert ("timer", "repaired") not in states(repair()), "the deadline has not passed"
    let_hours_pass()
    assert ("timer", "repaired") in states(repair())
    shop.run_to_end()
    assert status_of(order) == "cancelled"
    expect_no_findings(shop)


def test_a_parcel_that_nobody_asks_after_arrives(shop):
    order = shop.shipped()
    lose_timers()
    assert states(repair()) == {("timer", "repaired")}
    shop.run_to_end()
    assert status_of(order) == "delivered"
    expect_no_findings(shop)


def test_goods_that_nobody_waits_for_any_more_end_their_return(shop, settings):
    settings.SHOP_TRACKING_INTERVAL = timedelta(milliseconds=1)
    order = shop.delivered()
    returned = request_return(order_id=order.pk, lines={"MUG": 1}, reason="a crack", by_customer=True)
    approve_return(order_id=order.pk, return_id=returned.pk)
    deliver_all()
    lose_timers()
    assert repair().outcomes == [], "the goods may still come"
    Return.objects.update(arrive_by=timezone.now() - timedelta(hours=48))
    assert states(repair()) == {("timer", "repaired")}
    assert repair().outcomes == [], "once is enough"
    fire_reminders()
    assert Return.objects.get().state == "expired"
    expect_no_findings(shop)


def test_a_refund_that_nobody_asks_after_comes_to_its_end(shop, settings):
    settings.SHOP_CAPTURE = "placed"
    order = shop.place(pays_with="pm_card_pendingRefund", street="EZ6000000006")
    deliver_all()
    lose_timers()
    assert states(repair()) == {("timer", "repaired")}
    shop.run_to_end()
    assert status_of(order) == "cancelled"
    expect_no_findings(shop)


def test_timers_that_are_there_are_left_alone(shop, settings):
    settings.SHOP_CAPTURE = "placed"
    shop.shipped()
    shop.place(pays_with="pm_card_pendingRefund", street="EZ6000000006")
    deliver_all()
    assert repair().outcomes == []


# --- Provider calls ---


def charged_but_dead_lettered(shop):
    """Place an order that the gateway charges, while payments gets no answer until it gives up."""
    for operation in ("authorise", "find"):
        GatewayFault.objects.create(kind="timeout", operation=operation)
    order = shop.place()
    deliver_all()
    (letter,) = dead_letter_retries()
    mend_providers()
    assert Payment.objects.get().state == "processing"
    return order, letter


def test_a_charge_whose_answer_is_a_dead_letter_is_asked_about_and_the_order_goes_on(shop):
    order, letter = charged_but_dead_lettered(shop)
    assert states(repair()) == {("payment", "repaired"), ("dead", "left")}
    shop.run_to_end()
    assert status_of(order) == "delivered"
    replay_dead_letter(dead_letter_id=letter.pk, by="dora")
    expect_no_findings(shop)
    assert SimulatedCharge.objects.count() == 1


def test_a_charge_whose_answer_is_a_dead_letter_is_voided_if_the_order_is_stopped(shop):
    order, letter = charged_but_dead_lettered(shop)
    request_cancellation(order_id=order.pk, reason="customer")
    shop.run_to_end()
    assert status_of(order) == "cancelled"
    assert SimulatedCharge.objects.get().status == "canceled"
    replay_dead_letter(dead_letter_id=letter.pk, by="dora")
    expect_no_findings(shop)


def test_a_charge_that_was_never_made_is_voided_if_the_order_was_stopped_meanwhile(shop):
    GatewayFault.objects.create(kind="outage")
    order = shop.place()
    deliver_all()
    (letter,) = dead_letter_retries()
    request_cancellation(order_id=order.pk, reason="customer")
    deliver_all()
    dead_letter_retries()  # the stop cannot reach the gateway either
    mend_providers()
    assert ("payment", "repaired") in states(repair())
    assert Payment.objects.get().state == "canceled"
    shop.run_to_end()
    assert status_of(order) == "cancelled"
    replay_dead_letter(dead_letter_id=letter.pk, by="dora")
    shop.run_to_end()
    assert SimulatedCharge.objects.get().status == "canceled"


def test_a_charge_that_the_gateway_does_not_know_is_left_alone(shop):
    GatewayFault.objects.create(kind="outage", operation="authorise")
    order = shop.place()
    deliver_all()
    dead_letter_retries()
    mend_providers()
    assert states(repair()) == {("payment", "left"), ("dead", "left")}
    assert Payment.objects.get().state == "processing"
    assert SimulatedCharge.objects.filter(status="succeeded").count() == 0
    assert status_of(order) == "placed"


def test_a_gateway_that_is_down_is_asked_again_later(shop):
    charged_but_dead_lettered(shop)
    GatewayFault.objects.create(kind="outage")
    assert ("payment", "under way") in states(repair())
    mend_providers()
    assert ("payment", "repaired") in states(repair())


def test_a_booking_whose_answer_is_a_dead_letter_is_asked_about_and_the_order_goes_on(shop):
    for operation in ("book", "find_booking"):
        CarrierFault.objects.create(kind="timeout", operation=operation)
    order = shop.place()
    deliver_all()
    (letter,) = dead_letter_retries()
    mend_providers()
    assert states(repair()) == {("parcel", "repaired"), ("dead", "left")}
    shop.run_to_end()
    assert status_of(order) == "delivered"
    replay_dead_letter(dead_letter_id=letter.pk, by="dora")
    expect_no_findings(shop)
    assert SimulatedLabel.objects.count() == 1


# --- Steps ---


def test_an_order_that_the_stock_never_answered_needs_attention_and_goes_on_only_as_an_operator_says(shop):
    order = shop.place()
    deliver_without(DEDUCTING, consumed=True)
    assert states(repair()) == {("stalled", "handed over")}
    order.refresh_from_db()
    assert (order.status, order.attention_reason) == ("needs_attention", "stock_overdue")
    assert order.attention_note == "doctor: the stock never answered"
    assert EventRecord.objects.filter(type="orders.OrderNeedsAttention.v1").count() == 1
    deliver_all()
    assert repair().outcomes == [], "once is enough"

    resume_order(order_id=order.pk)
    deliver_all()
    assert states(repair()) == {("stalled", "left")}, "the operator wants it to wait"
    assert status_of(order) == "paid"
    request_cancellation(order_id=order.pk, reason="operator")
    shop.run_to_end()
    assert status_of(order) == "cancelled"
    assert audit(idle=True).holds


def test_an_order_that_the_carrier_never_answered_needs_attention(shop):
    order = shop.place()
    deliver_without("shipping.when_inventory_updated_book_carrier", consumed=True)
    assert states(repair()) == {("stalled", "handed over")}
    order.refresh_from_db()
    assert (order.status, order.attention_reason) == ("needs_attention", "carrier_overdue")


def test_an_order_whose_payment_never_came_waits_for_its_deadline(shop):
    order = shop.place()
    deliver_without(CHARGING, consumed=True)
    assert states(repair()) == {("stalled", "under way")}
    let_hours_pass()
    fire_reminders()
    shop.run_to_end()
    assert status_of(order) == "cancelled"


def test_a_refund_that_was_never_asked_for_is_asked_for(shop):
    order = shop.place(street="EZ6000000006")
    deliver_without("payments.when_shipment_failed_refund_payment", consumed=True)
    assert status_of(order) == "cancelling"
    assert states(repair()) == {("stalled", "repaired")}
    shop.run_to_end()
    assert status_of(order) == "cancelled"
    expect_no_findings(shop)


def test_goods_that_were_never_given_back_need_attention(shop):
    order = shop.place(street="EZ6000000006")
    deliver_without("inventory.when_shipment_failed_restock", consumed=True)
    assert states(repair()) == {("stalled", "handed over")}
    order.refresh_from_db()
    assert order.attention_reason == "cancellation_overdue"


def test_goods_whose_return_was_lost_are_given_back(shop):
    order = shop.place(street="EZ6000000006")
    deliver_without("inventory.when_shipment_failed_restock")
    assert states(repair()) == {("lost", "repaired")}
    shop.run_to_end()
    assert status_of(order) == "cancelled"
    expect_no_findings(shop)


def test_an_order_whose_parcel_never_arrives_needs_attention_and_may_still_be_delivered(shop, settings):
    settings.SHOP_TRACKING_INTERVAL = timedelta(days=1)
    order = shop.shipped()
    deliver_all()
    assert ("overdue", "handed over") not in states(repair())
    Shipment.objects.update(shipped_at=timezone.now() - settings.SHOP_DELIVERY_DEADLINE)
    assert ("overdue", "handed over") in states(repair())
    assert shop.expect_status(order, "needs_attention").attention_reason == "delivery_overdue"
    deliver_all()
    assert "overdue" not in {kind for kind, _ in states(repair())}, "once is enough"
    settings.SHOP_TRACKING_INTERVAL = timedelta(milliseconds=1)
    shop.run_to_end()
    assert shop.expect_status(order, "delivered")
