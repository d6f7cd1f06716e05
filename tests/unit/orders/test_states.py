"""Rules of the model: legal transitions, and the meaning of late, early and repeated outcomes."""

from functools import partial

import pytest
from django.db import IntegrityError

from orders import history
from orders.errors import IllegalTransition
from orders.models import Order
from orders.states import LEGAL, RANK, STAGE_OF_ATTENTION, TERMINAL, AttentionReason, Status

PROGRESS = {
    Status.PAID: history.paid,
    Status.AWAITING_STOCK: history.stock_awaited,
    Status.IN_FULFILMENT: history.stock_taken,
    Status.SHIPPED: history.shipped,
    Status.DELIVERED: history.delivered,
}
REASONS = {Status.CANCELLING: "customer", Status.CANCELLED: "customer"}


def an_order(status, attention="refund_failed"):
    held_up = status == Status.NEEDS_ATTENTION
    return Order(
        serial=1042,
        status=status,
        cancel_reason=REASONS.get(status, ""),
        attention_reason=attention if held_up else "",
    )


@pytest.mark.parametrize("before", Status)
@pytest.mark.parametrize("after", Status)
def test_only_legal_transitions_happen(before, after):
    # By a step that no event has: the others refuse most pairs before they get there.
    def step(state):
        return state._replace(status=after)

    order = an_order(before)
    if after in LEGAL[before]:
        assert order.take(step)
        assert order.status == after
    elif before != after:
        with pytest.raises(IllegalTransition, match=f"ORD-1042 is {before}: it cannot become {after}"):
            order.take(step)


def test_nothing_follows_the_end_but_attention_for_money_that_could_not_be_taken():
    assert {status: LEGAL[status] for status in TERMINAL if LEGAL[status]} == {
        Status.DELIVERED: {Status.NEEDS_ATTENTION}
    }


def test_every_other_status_has_a_way_to_an_end():
    for status in set(Status) - set(TERMINAL):
        reached, new = {status}, {status}
        while new:
            new = set().union(*(LEGAL[s] for s in new)) - reached
            reached |= new
        assert reached & set(TERMINAL), status


@pytest.mark.parametrize("to", PROGRESS)
@pytest.mark.parametrize("status", sorted(set(Status) - {Status.NEEDS_ATTENTION}))
def test_progress_is_never_taken_back(status, to):
    order = an_order(status)
    advanced = order.take(PROGRESS[to])
    assert advanced == (RANK[to] > RANK[status])
    assert order.status == (to if advanced else status)


@pytest.mark.parametrize(
    ("reason", "comes_after_all"),
    [
        ("stock_overdue", Status.AWAITING_STOCK),
        ("stock_overdue", Status.IN_FULFILMENT),
        ("backorder_overdue", Status.IN_FULFILMENT),
        ("carrier_overdue", Status.SHIPPED),
        ("cancellation_overdue", Status.SHIPPED),
        ("delivery_failed", Status.DELIVERED),
    ],
)
def test_what_was_missing_and_comes_after_all_ends_the_need_for_attention(reason, comes_after_all):
    order = an_order(Status.NEEDS_ATTENTION, attention=reason)
    same = PROGRESS.get(STAGE_OF_ATTENTION[reason])
    assert not (same and order.take(same))
    assert order.take(PROGRESS[comes_after_all])
    assert (order.status, order.attention_reason) == (comes_after_all, "")


def test_the_first_reason_to_give_up_stays():
    order = an_order(Status.PAID)
    assert order.take(partial(history.stopped, reason="customer"))
    assert not order.take(history.shipment_failed)
    assert order.cancel_reason == "customer"


@pytest.mark.parametrize("status", [Status.SHIPPED, Status.DELIVERED, Status.CANCELLED])
def test_what_has_left_or_is_over_is_not_given_up(status):
    order = an_order(status)
    assert not order.take(history.shipment_failed)
    assert order.status == status


@pytest.mark.parametrize("reason", AttentionReason)
@pytest.mark.parametrize("status", TERMINAL)
def test_what_is_over_needs_no_attention_unless_its_money_could_not_be_taken(status, reason):
    is_unpaid = (status, reason) == (Status.DELIVERED, AttentionReason.CAPTURE_FAILED)
    assert an_order(status).take(partial(history.held_up, reason=reason)) == is_unpaid


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (Status.IN_FULFILMENT, "stock_overdue"),
        (Status.SHIPPED, "carrier_overdue"),
        (Status.SHIPPED, "refund_failed"),
    ],
)
def test_what_has_come_further_needs_no_attention(status, reason):
    order = an_order(status)
    assert not order.take(partial(history.held_up, reason=reason))
    assert order.status == status


def test_attention_is_asked_for_once_per_reason():
    order = an_order(Status.CANCELLING)
    assert order.take(partial(history.held_up, reason="cancellation_overdue"))
    assert not order.take(partial(history.held_up, reason="cancellation_overdue"))
    assert order.take(partial(history.held_up, reason="refund_failed"))


@pytest.mark.parametrize("reason", STAGE_OF_ATTENTION)
def test_an_order_goes_on_where_it_was_held_up(reason):
    order = an_order(Status.NEEDS_ATTENTION, attention=reason)
    order.take(history.resumed)
    assert (order.status, order.attention_reason) == (STAGE_OF_ATTENTION[reason], "")


@pytest.mark.parametrize("status", [Status.PAID, Status.IN_FULFILMENT, Status.SHIPPED])
def test_an_order_whose_books_disagree_goes_on_from_wherever_it_was(status):
    order = an_order(status)
    assert order.take(
        partial(history.held_up, reason="books_differ", note="49.90 captured, 1.00 by the provider's books")
    )
    assert (order.status, order.stage) == (Status.NEEDS_ATTENTION, status)
    assert order.attention_note.startswith("49.90")
    order.take(history.resumed)
    assert (order.status, order.attention_stage, order.attention_note) == (status, "", "")


@pytest.mark.parametrize(
    ("wrong", "constraint"),
    [
        ({"status": "lost"}, "order_status_is_known"),
        ({"status": "cancelling"}, "order_cancelled_for_a_reason"),
        ({"status": "cancelled", "cancel_reason": "customer"}, "order_cancelled_only_when_undone"),
        ({"status": "needs_attention"}, "order_attention_has_a_reason"),
        ({"attention_reason": "refund_failed"}, "order_attention_has_a_reason"),
        ({"total": -1}, "order_total_not_negative"),
        ({"currency": "eur"}, "order_currency_iso_4217"),
    ],
)
def test_the_database_refuses_orders_that_make_no_sense(order, wrong, constraint):
    with pytest.raises(IntegrityError, match=constraint):
        Order.objects.filter(pk=order.pk).update(**wrong)
