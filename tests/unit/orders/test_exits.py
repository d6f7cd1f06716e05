"""Ways out of needing attention: cancelling, going on waiting where something may come, settling."""

import json
from functools import partial

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from orders import history, queries, services
from orders.errors import CancelInstead, NothingToWaitFor, NotSettleable, OrdersError, ReasonMissing
from orders.models import Order
from orders.states import NOTHING_COMES, AttentionReason, Status
from shop.messaging.models import EventRecord
from tests.support import outcomes

pytestmark = pytest.mark.django_db

#: Ways to each state that needs attention: the steps before, and the status that it is held up in.
TO_STATUS = {
    Status.PAID: [outcomes.record_payments],
    Status.AWAITING_STOCK: [outcomes.record_payments, outcomes.record_waiting],
    Status.IN_FULFILMENT: [outcomes.record_payments, outcomes.record_deductions],
    Status.SHIPPED: [outcomes.record_payments, outcomes.record_deductions, outcomes.record_shipments],
    Status.CANCELLING: [outcomes.record_payments, outcomes.record_shipment_failures],
}
#: All pairs of a reason and the status that an order is held up in for it, and the act that ends the order.
EXITS = [
    (AttentionReason.STOCK_OVERDUE, Status.PAID, "cancel"),
    (AttentionReason.BACKORDER_OVERDUE, Status.AWAITING_STOCK, "cancel"),
    (AttentionReason.CARRIER_OVERDUE, Status.IN_FULFILMENT, "cancel"),
    (AttentionReason.CANCELLATION_OVERDUE, Status.CANCELLING, "settle"),
    (AttentionReason.REFUND_FAILED, Status.CANCELLING, "settle"),
    (AttentionReason.DELIVERY_FAILED, Status.SHIPPED, "settle"),
    (AttentionReason.DELIVERY_OVERDUE, Status.SHIPPED, "settle"),
    (AttentionReason.RESEND_FAILED, Status.SHIPPED, "settle"),
    (AttentionReason.BOOKS_DIFFER, Status.PAID, "cancel"),
    (AttentionReason.BOOKS_DIFFER, Status.IN_FULFILMENT, "cancel"),
    (AttentionReason.BOOKS_DIFFER, Status.SHIPPED, "settle"),
    (AttentionReason.BOOKS_DIFFER, Status.CANCELLING, "settle"),
    (AttentionReason.CAPTURE_FAILED, Status.PAID, "cancel"),
    (AttentionReason.CAPTURE_FAILED, Status.SHIPPED, "settle"),
    (AttentionReason.DISPUTED, Status.PAID, "cancel"),
    (AttentionReason.DISPUTED, Status.IN_FULFILMENT, "cancel"),
]
REASON = "the customer got another parcel"


@pytest.fixture
def held_up(place):
    """An order that needs attention for a reason, in a status."""

    def bring(reason: AttentionReason, status: Status) -> Order:
        order = place()
        for step in TO_STATUS[status]:
            step(order_ids=[order.pk])
        order.refresh_from_db()
        assert order.take(partial(history.held_up, reason=reason))
        order.save()
        return order

    return bring


@pytest.fixture
def returned(held_up):
    return held_up(AttentionReason.DELIVERY_FAILED, Status.SHIPPED)


def cancel(order: Order) -> None:
    services.request_cancellation(order_id=order.pk, reason="operator")
    outcomes.record_undone_payments(order_ids=[order.pk])
    outcomes.record_undone_stock(order_ids=[order.pk])


def settle(order: Order) -> None:
    services.settle_order(order_id=order.pk, reason=REASON)


def in_the_list(order: Order) -> bool:
    return order.pk in {held_up.id for held_up in queries.orders_needing_attention()}


# --- Every state has a way out ---


def test_every_reason_for_attention_is_in_the_table():
    assert {reason for reason, _, _ in EXITS} == set(AttentionReason)


@pytest.mark.parametrize(("reason", "status", "act"), EXITS)
def test_every_state_that_needs_attention_has_an_act_that_ends_it(held_up, reason, status, act):
    order = held_up(reason, status)
    assert in_the_list(order)
    {"cancel": cancel, "settle": settle}[act](order)
    order.refresh_from_db()
    assert order.is_terminal
    assert not in_the_list(order)


@pytest.mark.parametrize(("reason", "status", "act"), EXITS)
def test_where_nothing_will_come_an_order_cannot_go_on_waiting_and_stays_in_the_list(
    held_up, reason, status, act
):
    order = held_up(reason, status)
    if reason not in NOTHING_COMES:
        assert services.resume_order(order_id=order.pk).status == status
        return
    with pytest.raises(NothingToWaitFor, match="and nothing more will come"):
        services.resume_order(order_id=order.pk)
    assert in_the_list(order)


# --- Settling ---


def test_a_settled_order_is_over_with_the_reason_and_an_event(returned, said, waits_for):
    settle(returned)
    returned.refresh_from_db()
    assert (returned.status, returned.attention_note, waits_for(returned)) == ("settled", REASON, None)
    assert said(returned) == ["OrderSettled"]
    event = EventRecord.objects.get(type="orders.OrderSettled.v1")
    assert event.data["attention"] == "delivery_failed"
    assert event.data["reason"] == REASON


@pytest.mark.parametrize(
    "late",
    [
        outcomes.record_deliveries,
        outcomes.record_shipments,
        services.record_delivery_failures,
        outcomes.record_undone_payments,
        outcomes.record_undone_stock,
        outcomes.record_refund_failures,
        outcomes.record_shipment_failures,
    ],
)
def test_a_settled_order_stays_settled_whatever_comes_late(returned, said, late):
    settle(returned)
    late(order_ids=[returned.pk])
    assert Order.objects.get().status == Status.SETTLED
    assert said(returned) == ["OrderSettled"]


def test_an_order_that_can_be_cancelled_is_not_settled(held_up):
    with pytest.raises(CancelInstead):
        settle(held_up(AttentionReason.STOCK_OVERDUE, Status.PAID))


@pytest.mark.parametrize("status", TO_STATUS)
def test_only_an_order_that_needs_attention_is_settled(place, status):
    order = place()
    for step in TO_STATUS[status]:
        step(order_ids=[order.pk])
    with pytest.raises(NotSettleable):
        settle(order)


def test_an_order_is_settled_once(returned):
    settle(returned)
    with pytest.raises(OrdersError):
        settle(returned)
    assert EventRecord.objects.filter(type="orders.OrderSettled.v1").count() == 1


@pytest.mark.parametrize("reason", ["  ", "\u200b"])
def test_an_order_is_not_settled_without_a_reason(returned, reason):
    with pytest.raises(ReasonMissing):
        services.settle_order(order_id=returned.pk, reason=reason)


def test_going_on_waiting_is_in_the_log(held_up, said):
    order = held_up(AttentionReason.STOCK_OVERDUE, Status.PAID)
    services.resume_order(order_id=order.pk)
    assert said(order) == ["OrderResumed"]
    assert EventRecord.objects.get(type="orders.OrderResumed.v1").data["attention"] == "stock_overdue"


# --- REST ---


def act(client, order, name, body=None):
    url = reverse(f"order-{name}", args=[order.pk])
    return client.post(url, json.dumps(body), content_type="application/json")


def test_staff_settles_an_order_by_rest_and_the_journal_tells_so(returned, as_olga):
    answer = act(as_olga, returned, "settle", {"reason": REASON})
    assert (answer.status_code, answer.json()["status"]) == (200, "settled")
    assert LogEntry.objects.get(object_id=returned.pk).change_message.startswith(
        f"Settled the order: {REASON}"
    )


@pytest.mark.parametrize("body", [{}, {"reason": " "}, {"reason": "x" * 301}, {"why": "x"}, {"reason": None}])
def test_rest_wants_a_reason(returned, as_olga, body):
    assert act(as_olga, returned, "settle", body).status_code == 400
    assert Order.objects.get().status == Status.NEEDS_ATTENTION


def test_rest_refuses_to_go_on_waiting_where_nothing_will_come(returned, as_olga):
    answer = act(as_olga, returned, "resume")
    assert answer.status_code == 409
    assert answer.json()["detail"] == (
        f"{returned.number} cannot go on waiting: the carrier could not deliver the parcel, and nothing more "
        "will come. Send the order again, or refund it and settle it."
    )
    assert Order.objects.get().status == Status.NEEDS_ATTENTION


def test_staff_lets_an_order_go_on_waiting_by_rest(held_up, as_olga):
    order = held_up(AttentionReason.STOCK_OVERDUE, Status.PAID)
    answer = act(as_olga, order, "resume")
    assert (answer.status_code, answer.json()["status"]) == (200, "paid")
    assert LogEntry.objects.filter(object_id=order.pk).exists()


@pytest.mark.parametrize("name", ["resume", "settle"])
def test_a_customer_can_do_neither_to_an_order_of_her_own(returned, as_ada, name):
    assert act(as_ada, returned, name, {"reason": REASON}).status_code == 403


# --- Admin ---


@pytest.fixture
def operator(olga) -> Client:
    client = Client()
    client.force_login(olga)
    return client


def page(order, act="change"):
    return reverse(f"admin:orders_order_{act}", args=[order.pk])


def test_the_page_of_a_returned_parcel_offers_to_settle_and_not_to_go_on_waiting(returned, operator):
    text = operator.get(page(returned)).content.decode()
    assert page(returned, "settle") in text
    assert "Go on waiting" not in text


@pytest.mark.parametrize("method", ["get", "post"])
def test_the_admin_refuses_to_go_on_waiting_where_nothing_will_come(returned, operator, method):
    answer = getattr(operator, method)(page(returned, "resume"), {"confirmed": "yes"}, follow=True)
    assert "nothing more will come" in str(next(iter(answer.context["messages"])))
    chosen = {"action": "resume_selected", "_selected_action": [returned.pk], "confirmed": "yes"}
    operator.post(reverse("admin:orders_order_changelist"), chosen)
    assert Order.objects.get().status == Status.NEEDS_ATTENTION
    assert not LogEntry.objects.exists()


def test_the_admin_settles_with_a_reason_and_shows_it(returned, operator):
    assert "Yes, settle" in operator.get(page(returned, "settle")).content.decode()
    assert "This field is required" in operator.post(page(returned, "settle"), {}).content.decode()
    operator.post(page(returned, "settle"), {"reason": REASON})
    assert Order.objects.get().status == Status.SETTLED
    assert LogEntry.objects.get().change_message == f"Settled the order: {REASON}"
    assert REASON in operator.get(page(returned)).content.decode()
