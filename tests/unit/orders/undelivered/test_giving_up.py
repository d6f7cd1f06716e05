"""Undelivered orders that are given up: money, goods and the end by one act, both or nothing."""

from decimal import Decimal

import pytest

from orders.errors import NothingLeft, NotUndelivered, ReasonMissing
from orders.models import Order, RefundRequest
from orders.resending import resend_order
from orders.states import RESENDABLE
from orders.undelivered.plan import LOST, RETURNED, effect_of, plan_giving_up
from orders.undelivered.services import refund_and_settle
from tests.unit.orders.refunds.support import ask, requested_event

pytestmark = pytest.mark.django_db
REASON = "the customer has moved away"


def give_up(order, goods=RETURNED, reason=REASON):
    return refund_and_settle(order_id=order.pk, goods=goods, reason=reason)


@pytest.mark.parametrize("reason", RESENDABLE)
@pytest.mark.parametrize(("goods", "restock"), [(RETURNED, True), (LOST, False)])
def test_all_goes_back_and_the_order_ends(held_up, said, reason, goods, restock):
    order = held_up(reason)
    refund = give_up(order, goods)
    event = requested_event(order)
    assert (refund.amount, event["amount"]["amount"], event["restock"]) == (
        Decimal("138.90"),
        "138.90",
        restock,
    )
    assert event["lines"] == [{"sku": "KETTLE", "quantity": 1}, {"sku": "TEAPOT", "quantity": 2}]
    order.refresh_from_db()
    assert (order.status, order.attention_note, refund.order.status) == ("settled", REASON, "settled")
    assert said(order) == ["RefundRequested", "OrderSettled"]


def test_what_went_back_before_is_left_out(undelivered):
    ask(undelivered, TEAPOT=1)
    ask(undelivered, "5.00")
    plan = plan_giving_up(undelivered, goods=RETURNED)
    assert (str(plan.amount), plan.lines) == ("108.95 EUR", {"TEAPOT": 1, "KETTLE": 1})
    assert give_up(undelivered).amount == Decimal("108.95")
    assert sum(refund.amount for refund in RefundRequest.objects.all()) == undelivered.total


def test_money_without_goods_goes_back_and_nothing_is_put_back(undelivered):
    """As after a refund of all lines that failed: it keeps its goods, and its money is free."""
    RefundRequest.objects.filter(pk=ask(undelivered, TEAPOT=2, KETTLE=1).pk).update(state="failed")
    plan = plan_giving_up(undelivered, goods=RETURNED)
    assert (str(plan.amount), plan.lines, plan.restocks) == ("138.90 EUR", {}, False)
    assert "The stock stays as it is" in effect_of(plan)
    refund = give_up(undelivered)
    assert (refund.lines, refund.restock) == ([], False)


@pytest.mark.parametrize(
    ("goods", "effect"),
    [
        (RETURNED, "Refund 138.90 EUR to the customer and put 1 x KETTLE, 2 x TEAPOT back into the stock."),
        (LOST, "Refund 138.90 EUR to the customer and write 1 x KETTLE, 2 x TEAPOT off: the stock stays as"),
    ],
)
def test_the_effect_is_said_in_words(undelivered, goods, effect):
    said = effect_of(plan_giving_up(undelivered, goods=goods))
    assert said.startswith(effect)
    assert said.endswith("The order is settled: it ends here. This cannot be taken back.")


@pytest.mark.parametrize("reason", ["capture_failed", "books_differ"])
def test_only_a_parcel_that_did_not_arrive_is_given_up(held_up, said, reason):
    order = held_up(reason)
    with pytest.raises(NotUndelivered):
        give_up(order)
    assert said(order) == []


def test_an_order_that_is_on_its_way_again_is_not_given_up(undelivered, said):
    resend_order(order_id=undelivered.pk, reason="lost", new_goods=True)
    with pytest.raises(NotUndelivered):
        give_up(undelivered)
    assert said(undelivered) == ["OrderResendRequested"]


def test_it_is_given_up_once(undelivered, said):
    give_up(undelivered)
    with pytest.raises(NotUndelivered):
        give_up(undelivered, LOST)
    assert said(undelivered) == ["RefundRequested", "OrderSettled"]


def test_where_no_money_is_left_it_says_so_and_nothing_happens(undelivered, said):
    ask(undelivered, "138.90")
    with pytest.raises(NothingLeft, match="settle it, and book goods"):
        give_up(undelivered)
    assert Order.objects.get().status == "needs_attention"
    assert said(undelivered) == ["RefundRequested"]


@pytest.mark.parametrize("reason", ["", "  ", "\u200b"])
def test_without_a_reason_neither_happens(undelivered, said, reason):
    with pytest.raises(ReasonMissing):
        give_up(undelivered, reason=reason)
    assert said(undelivered) == []


def test_a_settlement_that_is_refused_takes_the_refund_back(undelivered, said, monkeypatch):
    def refuse(**_):
        raise ReasonMissing(number="ORD-1")

    monkeypatch.setattr("orders.undelivered.services.settle_order", refuse)
    with pytest.raises(ReasonMissing):
        give_up(undelivered)
    assert said(undelivered) == []
    assert not RefundRequest.objects.exists()
