"""Orders follow the chain: the end is the same in any order of outcomes, and however often they come."""

from itertools import permutations

import pytest
from django.db import transaction

from inventory.events import (
    InventoryRejected,
    InventoryReleased,
    InventoryRestocked,
    InventoryUpdated,
    Shortage,
    StockLine,
)
from orders import services
from orders.errors import UnknownOrder
from orders.models import Order
from orders.states import Status
from payments.events import (
    PaymentFailed,
    PaymentProcessed,
    PaymentRefunded,
    PaymentVoided,
    RefundFailed,
)
from shipping.events import (
    CancellationRejected,
    DeliveryFailed,
    FulfilmentStopped,
    OrderDelivered,
    OrderShipped,
    ShipmentFailed,
)
from shop.ids import uuid7
from shop.messaging.contracts import Money
from shop.messaging.models import EventRecord, ScheduledMessage
from shop.messaging.publishing import publish
from tests.support import outcomes
from tests.support.inprocess import deliver
from tests.support.sealed import sealed_event

pytestmark = pytest.mark.django_db

PRICE = Money(amount="49.90", currency="EUR")
LINES = (StockLine(sku="TEAPOT", quantity=2),)
SOMETHING = uuid7()

#: What the other contexts say, as short as it can be said.
NEWS = {
    "paid": lambda o: PaymentProcessed(order_id=o, payment_id=SOMETHING, amount=PRICE),
    "declined": lambda o: sealed_event(
        PaymentFailed, order_id=o, payment_id=SOMETHING, code="insufficient_funds", message="No"
    ),
    "voided": lambda o: PaymentVoided(order_id=o, payment_id=SOMETHING),
    "refunded": lambda o: PaymentRefunded(
        order_id=o, payment_id=SOMETHING, refund_id=SOMETHING, amount=PRICE
    ),
    "refund_failed": lambda o: RefundFailed(
        order_id=o, payment_id=SOMETHING, refund_id=SOMETHING, amount=PRICE, code="expired_or_canceled_card"
    ),
    "deducted": lambda o: InventoryUpdated(order_id=o, lines=LINES),
    "out_of_stock": lambda o: InventoryRejected(
        order_id=o, shortages=(Shortage(sku="TEAPOT", requested=2, available=1),)
    ),
    "restocked": lambda o: InventoryRestocked(order_id=o, lines=LINES),
    "released": lambda o: InventoryReleased(order_id=o),
    "shipped": lambda o: sealed_event(
        OrderShipped, order_id=o, shipment_id=SOMETHING, carrier="USPS", tracking_number="EZ1000000001"
    ),
    "not_taken": lambda o: sealed_event(
        ShipmentFailed, order_id=o, shipment_id=SOMETHING, code="failure", message="No"
    ),
    "stopped": lambda o: FulfilmentStopped(order_id=o, reason="customer"),
    "too_late": lambda o: CancellationRejected(order_id=o, reason="customer"),
    "delivered": lambda o: OrderDelivered(
        order_id=o, shipment_id=SOMETHING, delivered_at="2026-03-01T12:00:00Z"
    ),
    "undeliverable": lambda o: DeliveryFailed(order_id=o, shipment_id=SOMETHING, status="return_to_sender"),
}


def tell(order, *news):
    """Publish outcomes of an order and let orders consume them; return the events."""
    events = []
    for name in news:
        with transaction.atomic():
            events.append(publish(NEWS[name](order.pk)))
        deliver(events[-1], app="orders")
    order.refresh_from_db()
    return events


# --- Step by step ---


def test_an_order_goes_its_way(order, waits_for, said):
    way = [
        ("paid", Status.PAID, "stock"),
        ("deducted", Status.IN_FULFILMENT, "carrier"),
        ("shipped", Status.SHIPPED, None),
        ("delivered", Status.DELIVERED, None),
    ]
    for news, status, step in way:
        tell(order, news)
        assert (order.status, waits_for(order)) == (status, step)
    assert said(order) == []


def test_a_declined_payment_cancels_at_once(order, said, waits_for):
    tell(order, "declined")
    assert (order.status, order.reason) == (Status.CANCELLED, "payment_failed")
    assert said(order) == ["OrderCancelled"]
    assert waits_for(order) is None
    assert EventRecord.objects.get(type="orders.OrderCancelled.v1").data == {
        "order_id": str(order.pk),
        "number": order.number,
        "reason": "payment_failed",
    }


def test_an_order_out_of_stock_is_cancelled_when_the_money_is_back_and_not_before(order, said):
    tell(order, "paid", "out_of_stock")
    assert (order.status, said(order)) == (Status.CANCELLING, [])
    tell(order, "refunded")
    assert (order.status, order.reason) == (Status.CANCELLED, "out_of_stock")
    assert said(order) == ["OrderCancelled"]


@pytest.mark.parametrize("undone", [("refunded", "restocked"), ("restocked", "refunded")])
def test_a_parcel_not_taken_is_cancelled_when_goods_and_money_are_back(order, said, undone):
    tell(order, "paid", "deducted", "not_taken", undone[0])
    assert (order.status, said(order)) == (Status.CANCELLING, [])
    tell(order, undone[1])
    assert (order.status, order.reason) == (Status.CANCELLED, "shipment_failed")


def test_a_failed_refund_needs_attention_until_the_money_is_back(order, said, waits_for):
    tell(order, "paid", "out_of_stock", "refund_failed")
    assert (order.status, order.reason) == (Status.NEEDS_ATTENTION, "refund_failed")
    assert waits_for(order) is None
    tell(order, "refunded")
    assert (order.status, order.reason) == (Status.CANCELLED, "out_of_stock")
    assert said(order) == ["OrderNeedsAttention", "OrderCancelled"]


def test_attention_is_asked_for_once_whatever_else_is_undone(order, said):
    tell(order, "paid", "deducted", "not_taken", "refund_failed", "restocked")
    assert (order.status, order.reason) == (Status.NEEDS_ATTENTION, "refund_failed")
    assert said(order) == ["OrderNeedsAttention"]


def test_a_refund_that_succeeds_after_all_leaves_only_the_goods_to_wait_for(order, said, waits_for):
    tell(order, "paid", "deducted", "not_taken", "refund_failed", "refunded")
    assert (order.status, order.reason, waits_for(order)) == (
        Status.CANCELLING,
        "shipment_failed",
        "cancellation",
    )
    tell(order, "restocked")
    assert order.status == Status.CANCELLED


def test_a_refusal_that_is_overtaken_by_the_refund_needs_no_attention(order, said):
    tell(order, "paid", "deducted", "not_taken", "refunded", "refund_failed")
    assert order.status == Status.CANCELLING
    assert said(order) == []


def test_what_is_undone_does_not_move_the_deadline(order):
    tell(order, "paid", "deducted", "not_taken")
    due = ScheduledMessage.objects.get(kind="reminder").due_at
    tell(order, "refunded")
    assert ScheduledMessage.objects.get(kind="reminder").due_at == due


def test_a_parcel_that_cannot_be_delivered_needs_attention(order, said):
    tell(order, "paid", "deducted", "shipped", "undeliverable")
    assert (order.status, order.reason) == (Status.NEEDS_ATTENTION, "delivery_failed")
    assert said(order) == ["OrderNeedsAttention"]
    tell(order, "delivered")
    assert (order.status, order.reason) == (Status.DELIVERED, "")


# --- In any order, and twice ---

STORIES = {
    "delivered": (None, ["paid", "deducted", "shipped", "delivered"], Status.DELIVERED, ""),
    "declined": (None, ["declined", "voided", "released"], Status.CANCELLED, "payment_failed"),
    "out of stock": (None, ["paid", "out_of_stock", "refunded"], Status.CANCELLED, "out_of_stock"),
    "refund refused, then retried": (
        None,
        ["paid", "out_of_stock", "refund_failed", "refunded"],
        Status.CANCELLED,
        "out_of_stock",
    ),
    "not taken": (
        None,
        ["paid", "deducted", "not_taken", "refunded", "restocked"],
        Status.CANCELLED,
        "shipment_failed",
    ),
    "cancelled before payment": ("customer", ["stopped", "voided", "released"], Status.CANCELLED, "customer"),
    "cancelled after the stock": (
        "operator",
        ["paid", "deducted", "stopped", "refunded", "restocked"],
        Status.CANCELLED,
        "operator",
    ),
    "cancelled, and declined": (
        "customer",
        ["declined", "stopped", "voided", "released"],
        Status.CANCELLED,
        "customer",
    ),
    "cancelled too late": (
        "customer",
        ["paid", "deducted", "shipped", "too_late", "delivered"],
        Status.DELIVERED,
        "",
    ),
    "returned": (
        None,
        ["paid", "deducted", "shipped", "undeliverable"],
        Status.NEEDS_ATTENTION,
        "delivery_failed",
    ),
}
SERVICES = {
    "paid": outcomes.record_payments,
    "deducted": outcomes.record_deductions,
    "shipped": outcomes.record_shipments,
    "too_late": outcomes.record_shipments,
    "delivered": outcomes.record_deliveries,
    "declined": outcomes.record_payment_failures,
    "out_of_stock": outcomes.record_rejections,
    "not_taken": outcomes.record_shipment_failures,
    "voided": outcomes.record_undone_payments,
    "refunded": outcomes.record_undone_payments,
    "restocked": outcomes.record_undone_stock,
    "released": outcomes.record_undone_stock,
    "refund_failed": outcomes.record_refund_failures,
    "undeliverable": services.record_delivery_failures,
}


@pytest.mark.parametrize("story", STORIES)
def test_in_whatever_order_the_news_comes_the_end_is_the_same(place, settings, story):
    settings.SHOP_ORDERS_A_MINUTE = 0  # up to 120 orders
    cancel, news, status, reason = STORIES[story]
    record = SERVICES | {"stopped": outcomes.record_stops(cancel or "operator")}
    for shuffled in permutations(news):
        order = place()
        if cancel:
            services.request_cancellation(order_id=order.pk, reason=cancel)
        for name in (*shuffled, shuffled[0]):
            record[name](order_ids=[order.pk])
        order.refresh_from_db()
        assert (order.status, order.reason) == (status, reason), shuffled
    ended = EventRecord.objects.filter(type="orders.OrderCancelled.v1")
    assert ended.count() == (Order.objects.count() if status == Status.CANCELLED else 0)


def test_an_event_delivered_twice_has_its_effect_once(order, said):
    [event] = tell(order, "declined")
    deliver(event, app="orders")
    assert said(order) == ["OrderCancelled"]


# --- Batches ---


def test_a_batch_of_progress_takes_few_statements(place, django_assert_num_queries):
    orders = [place().pk for _ in range(20)]
    # Savepoint, lock, update, release.
    with django_assert_num_queries(4):
        outcomes.record_payments(order_ids=orders)
    assert set(Order.objects.values_list("status", flat=True)) == {Status.PAID}


def test_a_batch_of_cancellations_takes_few_statements(place, django_assert_num_queries):
    orders = [place().pk for _ in range(20)]
    # As above, and one that appends all events and calls the reminders off.
    with django_assert_num_queries(5):
        outcomes.record_payment_failures(order_ids=orders)
    assert EventRecord.objects.filter(type="orders.OrderCancelled.v1").count() == 20


def test_orders_of_different_fates_go_together(place):
    fresh, ahead, cancelling = place(), place(), place()
    outcomes.record_deductions(order_ids=[ahead.pk])
    services.request_cancellation(order_id=cancelling.pk, reason="customer")
    outcomes.record_payments(order_ids=[cancelling.pk, ahead.pk, fresh.pk])
    assert [Order.objects.get(pk=o.pk).status for o in (fresh, ahead, cancelling)] == [
        "paid",
        "in_fulfilment",
        "cancelling",
    ]


def test_news_of_an_order_that_does_not_exist_is_a_permanent_failure(order):
    with pytest.raises(UnknownOrder, match="There is no order"):
        outcomes.record_payments(order_ids=[order.pk, uuid7()])
    order.refresh_from_db()
    assert order.status == Status.PLACED


@pytest.mark.parametrize(("policy", "asked"), [("shipped", []), ("placed", ["CaptureRequested"])])
def test_orders_asks_for_the_money_with_the_stock_only_if_that_is_the_policy(
    order, said, settings, policy, asked
):
    settings.SHOP_CAPTURE = policy
    tell(order, "paid", "deducted")
    assert said(order) == asked


# --- Disputes ---


@pytest.fixture
def paid(order):
    outcomes.record_payments(order_ids=[order.pk])
    return order


def end_dispute(order, *, won):
    services.end_dispute(order_id=order.pk, won=won)


def dispute(order):
    services.record_disputes(order_ids=[order.pk])


def test_a_dispute_that_is_heard_of_after_it_is_won_holds_nothing_up(paid, said):
    end_dispute(paid, won=True)
    dispute(paid)
    paid.refresh_from_db()
    assert (paid.status, paid.open_disputes) == (Status.PAID, 0)
    assert "OrderNeedsAttention" not in said(paid)
    dispute(paid)
    paid.refresh_from_db()
    assert (paid.status, paid.attention_reason) == (Status.NEEDS_ATTENTION, "disputed")


def test_a_dispute_that_is_heard_of_after_it_is_lost_waits_for_an_operator(paid):
    end_dispute(paid, won=False)
    dispute(paid)
    paid.refresh_from_db()
    assert (paid.status, paid.attention_reason) == (Status.NEEDS_ATTENTION, "disputed")


def test_of_two_disputes_both_have_to_be_won(paid):
    dispute(paid)
    dispute(paid)
    end_dispute(paid, won=True)
    paid.refresh_from_db()
    assert paid.status == Status.NEEDS_ATTENTION
    end_dispute(paid, won=True)
    paid.refresh_from_db()
    assert paid.status == Status.PAID
