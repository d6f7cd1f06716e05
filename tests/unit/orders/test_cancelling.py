"""Cancellations, deadlines, and an operator's actions on orders that are held up."""

from datetime import timedelta

import pytest
from django.utils import timezone

from orders import services
from orders.deadlines import overdue_since
from orders.errors import NotWaiting, TooLateToCancel
from orders.events import OrderDeadlinePassed
from orders.models import Order
from orders.states import Status
from shop.messaging.models import EventRecord, ScheduledMessage
from tests.support import outcomes
from tests.support.inprocess import fire_reminders

pytestmark = pytest.mark.django_db

PROGRESS = {
    Status.PLACED: [],
    Status.PAID: [outcomes.record_payments],
    Status.AWAITING_STOCK: [outcomes.record_payments, outcomes.record_waiting],
    Status.IN_FULFILMENT: [outcomes.record_deductions],
    Status.SHIPPED: [outcomes.record_shipments],
    Status.DELIVERED: [outcomes.record_deliveries],
    Status.CANCELLED: [outcomes.record_payment_failures],
}


@pytest.fixture
def order_in(place):
    """An order that has come as far as a status."""

    def bring(status: Status) -> Order:
        order = place()
        for step in PROGRESS[status]:
            step(order_ids=[order.pk])
        order.refresh_from_db()
        return order

    return bring


# --- Cancelling ---


@pytest.mark.parametrize("reason", ["customer", "operator"])
@pytest.mark.parametrize("status", [Status.PLACED, Status.PAID, Status.AWAITING_STOCK, Status.IN_FULFILMENT])
def test_before_the_parcel_leaves_an_order_can_be_cancelled(order_in, said, waits_for, status, reason):
    order = services.request_cancellation(order_id=order_in(status).pk, reason=reason)
    assert (order.status, order.reason) == (Status.CANCELLING, reason)
    assert said(order) == ["OrderCancellationRequested"]
    assert waits_for(order) == "cancellation"
    assert EventRecord.objects.get(type__contains="Requested").data["reason"] == reason


@pytest.mark.parametrize("status", [Status.SHIPPED, Status.DELIVERED, Status.CANCELLED])
def test_afterwards_it_is_refused_and_says_why(order_in, status):
    order = order_in(status)
    with pytest.raises(TooLateToCancel, match=f"{order.number} is {status}: it is too late"):
        services.request_cancellation(order_id=order.pk, reason="customer")
    assert Order.objects.get().status == status


def test_asking_again_while_it_is_being_cancelled_changes_nothing(order, said):
    services.request_cancellation(order_id=order.pk, reason="customer")
    again = services.request_cancellation(order_id=order.pk, reason="operator")
    assert (again.status, again.reason) == (Status.CANCELLING, "customer")
    assert said(order) == ["OrderCancellationRequested"]


def test_a_cancellation_that_came_too_late_leaves_a_shipped_order(order, waits_for):
    services.request_cancellation(order_id=order.pk, reason="customer")
    outcomes.record_shipments(order_ids=[order.pk])
    order.refresh_from_db()
    assert (order.status, order.reason, waits_for(order)) == (Status.SHIPPED, "", None)
    with pytest.raises(TooLateToCancel):
        services.request_cancellation(order_id=order.pk, reason="customer")


# --- Deadlines ---


@pytest.mark.parametrize(
    ("status", "setting"),
    [
        (Status.PLACED, "SHOP_PAYMENT_DEADLINE"),
        (Status.PAID, "SHOP_STOCK_DEADLINE"),
        (Status.AWAITING_STOCK, "SHOP_BACKORDER_DEADLINE"),
        (Status.IN_FULFILMENT, "SHOP_CARRIER_DEADLINE"),
    ],
)
def test_every_step_has_the_time_that_the_settings_give_it(order_in, settings, status, setting):
    for each in ("SHOP_PAYMENT_DEADLINE", "SHOP_STOCK_DEADLINE", "SHOP_CARRIER_DEADLINE"):
        setattr(settings, each, timedelta(minutes=30))
    setattr(settings, setting, timedelta(minutes=7))
    order_in(status)
    left = ScheduledMessage.objects.get().due_at - timezone.now()
    assert timedelta(minutes=6) < left <= timedelta(minutes=7)


@pytest.mark.django_db(transaction=True)  # a reminder is due by the clock of a new transaction
def test_an_order_not_paid_in_time_is_cancelled(order, said):
    Order.objects.update(changed_at=timezone.now() - timedelta(days=2))
    fire_reminders()
    order.refresh_from_db()
    assert order.cancel_reason == "payment_overdue"
    assert said(order)[0] == "OrderCancellationRequested"


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (Status.PAID, "stock_overdue"),
        (Status.AWAITING_STOCK, "backorder_overdue"),
        (Status.IN_FULFILMENT, "carrier_overdue"),
    ],
)
def test_an_order_without_an_answer_needs_attention(order_in, said, waits_for, miss_deadline, status, reason):
    order = order_in(status)
    miss_deadline(order)
    order.refresh_from_db()
    assert (order.status, order.reason) == (Status.NEEDS_ATTENTION, reason)
    assert said(order) == ["OrderNeedsAttention"]
    assert waits_for(order) is None


def test_a_cancellation_that_does_not_end_needs_attention(order, said, miss_deadline):
    services.request_cancellation(order_id=order.pk, reason="customer")
    miss_deadline(order)
    order.refresh_from_db()
    assert (order.status, order.reason) == (Status.NEEDS_ATTENTION, "cancellation_overdue")
    outcomes.record_payment_failures(order_ids=[order.pk])
    order.refresh_from_db()
    assert (order.status, order.reason) == (Status.CANCELLED, "customer")


@pytest.mark.parametrize("status", [Status.PAID, Status.SHIPPED, Status.DELIVERED, Status.CANCELLED])
def test_a_deadline_that_was_met_changes_nothing(order_in, said, status):
    order = order_in(status)
    before = said(order)
    services.miss_deadline(order_id=order.pk)
    assert Order.objects.get().status == status
    assert said(order) == before


@pytest.mark.parametrize("status", [Status.PAID, Status.AWAITING_STOCK, Status.IN_FULFILMENT])
def test_a_reminder_of_an_earlier_step_is_put_off(order_in, status):
    order = order_in(status)
    ScheduledMessage.objects.all().delete()  # it is on its way to orders
    services.miss_deadline(order_id=order.pk)
    order.refresh_from_db()
    assert (order.status, ScheduledMessage.objects.get().due_at) == (status, overdue_since(order))


@pytest.mark.parametrize("status", [Status.SHIPPED, Status.DELIVERED, Status.CANCELLED])
def test_an_order_that_waits_for_nothing_has_no_reminder(order_in, status):
    order_in(status)
    assert not ScheduledMessage.objects.filter(type=OrderDeadlinePassed.type).exists()


# --- Operators ---


@pytest.fixture
def held_up(order_in, miss_deadline):
    order = order_in(Status.PAID)
    miss_deadline(order)
    return order


def test_an_order_that_needs_attention_can_go_on_waiting(held_up, waits_for):
    order = services.resume_order(order_id=held_up.pk)
    assert (order.status, order.reason, waits_for(order)) == (Status.PAID, "", "stock")


def test_an_order_that_needs_attention_can_be_cancelled(held_up, said):
    order = services.request_cancellation(order_id=held_up.pk, reason="operator")
    assert (order.status, order.reason) == (Status.CANCELLING, "operator")
    assert said(order) == ["OrderNeedsAttention", "OrderCancellationRequested"]


def test_the_answer_that_comes_after_all_lets_it_go_on(held_up, waits_for):
    outcomes.record_deductions(order_ids=[held_up.pk])
    held_up.refresh_from_db()
    assert (held_up.status, held_up.reason, waits_for(held_up)) == (Status.IN_FULFILMENT, "", "carrier")


def test_an_order_with_an_undeliverable_parcel_cannot_be_cancelled(order_in):
    order = order_in(Status.SHIPPED)
    services.record_delivery_failures(order_ids=[order.pk])
    with pytest.raises(TooLateToCancel):
        services.request_cancellation(order_id=order.pk, reason="operator")


def test_a_refused_refund_is_no_reason_to_cancel_again(order, said):
    outcomes.record_rejections(order_ids=[order.pk])
    outcomes.record_refund_failures(order_ids=[order.pk])
    services.request_cancellation(order_id=order.pk, reason="operator")
    order.refresh_from_db()
    assert (order.status, order.reason, order.cancel_reason) == (
        Status.NEEDS_ATTENTION,
        "refund_failed",
        "out_of_stock",
    )
    assert said(order) == ["OrderNeedsAttention"]


@pytest.mark.parametrize("status", PROGRESS)
def test_only_an_order_that_needs_attention_can_go_on_waiting(order_in, status):
    with pytest.raises(NotWaiting, match="only an order that needs attention"):
        services.resume_order(order_id=order_in(status).pk)
