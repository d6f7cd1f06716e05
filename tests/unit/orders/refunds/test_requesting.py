"""Refunds by amount and by lines: never more than was paid, never a line twice."""

import json
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from functools import partial

import pytest
from django.db import connections

from inventory import services as inventory
from orders import history
from orders import services as orders
from orders.changes import take
from orders.errors import LinesRefunded, MoreThanIsLeft, NotRefundable, TooEarlyToRestock
from orders.models import Order, RefundRequest
from orders.states import AttentionReason
from tests.support import outcomes
from tests.unit.orders.refunds.support import TOTAL, ask, requested_event

pytestmark = pytest.mark.django_db


# --- What is requested ---


def test_an_amount_is_requested_and_its_reason_stays_in_orders(delivered):
    refund = ask(delivered, "5.00", reason="Ada's cup had a scratch")
    data = requested_event(delivered)
    assert (data["refund_id"], data["amount"]["amount"]) == (str(refund.pk), "5.00")
    assert (data["lines"], data["restock"]) == ([], False)
    assert "scratch" not in json.dumps(data)
    assert (refund.outcome, refund.reason) == ("requested", "Ada's cup had a scratch")


def test_lines_are_refunded_at_the_prices_of_the_order(delivered, catalogue):
    inventory.add_product(sku="TEAPOT", name="Teapot", price=Decimal("99.00"))
    refund = ask(delivered, TEAPOT=1, KETTLE=1, restock=True)
    assert refund.amount == Decimal("113.95")
    data = requested_event(delivered)
    assert data["lines"] == [{"sku": "KETTLE", "quantity": 1}, {"sku": "TEAPOT", "quantity": 1}]
    assert data["restock"] is True


@pytest.mark.parametrize("amounts", [["138.91"], ["100.00", "38.91"]])
def test_more_than_was_paid_is_never_accepted(delivered, amounts):
    *accepted, too_much = amounts
    for amount in accepted:
        ask(delivered, amount)
    with pytest.raises(MoreThanIsLeft):
        ask(delivered, too_much)
    assert RefundRequest.objects.count() == len(accepted)


def test_what_the_provider_gave_back_by_itself_counts(delivered, given_back):
    given_back(delivered, "100.00", "38.90")
    with pytest.raises(MoreThanIsLeft, match=r"Only 38\.90 EUR"):
        ask(delivered, "38.91")
    ask(delivered, "38.90")


def test_a_refund_that_was_given_back_counts_once(delivered, given_back):
    refund = ask(delivered, "100.00")
    given_back(delivered, "100.00", "38.90", refund.pk)
    ask(delivered, "38.90")


def test_a_refund_that_failed_leaves_its_money_to_others(delivered, refused):
    refused(delivered, ask(delivered, "138.90").pk)
    ask(delivered, "138.90")


def test_no_line_is_refunded_twice(delivered, refused):
    failed = ask(delivered, TEAPOT=1)
    refused(delivered, failed.pk)  # an operator may retry it
    ask(delivered, TEAPOT=1)
    with pytest.raises(LinesRefunded, match="2 of 2 TEAPOT"):
        ask(delivered, TEAPOT=1)


@pytest.mark.django_db(transaction=True)
def test_of_two_refunds_at_once_that_are_too_much_together_one_is_accepted(delivered):
    def work(amount):
        try:
            return ask(delivered, amount)
        except MoreThanIsLeft:
            return None
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as workers:
        made = list(workers.map(work, ["70.00", "70.01", "70.02", "70.03"]))
    assert len([refund for refund in made if refund]) == 1
    assert RefundRequest.objects.count() == 1


# --- Where it is possible ---


def test_nothing_is_given_back_of_what_is_not_paid(place):
    with pytest.raises(NotRefundable, match="nothing is paid yet"):
        ask(place(), "1.00")


def test_nothing_more_is_given_back_while_all_of_it_goes_back(paid):
    orders.request_cancellation(order_id=paid.pk, reason="operator")
    with pytest.raises(NotRefundable, match="on its way back"):
        ask(paid, "1.00")


def test_nothing_is_given_back_while_the_bank_disputes_the_payment(paid):
    take([(paid.pk, partial(history.held_up, reason=AttentionReason.DISPUTED))])
    with pytest.raises(NotRefundable, match="end of the dispute"):
        ask(paid, "1.00")


def test_goods_cannot_be_back_before_they_have_left(paid):
    with pytest.raises(TooEarlyToRestock):
        ask(paid, TEAPOT=1, restock=True)
    assert ask(paid, TEAPOT=1).outcome == "requested"


@pytest.mark.parametrize("first", [[], ["38.90"]])
def test_all_of_the_money_before_shipping_cancels_the_order(paid, said, first):
    for amount in first:
        ask(paid, amount)
    refund = ask(paid, str(TOTAL - sum(map(Decimal, first))))
    assert refund.cancels
    assert refund.outcome == "requested"
    assert said(paid)[-1] == "OrderCancellationRequested"
    assert Order.objects.get().status == "cancelling"
    outcomes.record_undone_payments(order_ids=[paid.pk])
    outcomes.record_undone_stock(order_ids=[paid.pk])
    assert RefundRequest.objects.get(pk=refund.pk).outcome == "succeeded"


def test_a_parcel_that_leaves_before_it_could_be_stopped_fails_the_refund(paid, said):
    refund = ask(paid, "138.90")
    outcomes.record_shipments(order_ids=[paid.pk])
    refund = RefundRequest.objects.get(pk=refund.pk)
    assert (refund.outcome, refund.failure) == ("failed", "parcel_has_left")
    assert ask(paid, "138.90").cancels is False


def test_all_of_the_money_of_a_delivered_order_leaves_it_delivered(delivered, given_back):
    refund = ask(delivered, "138.90")
    given_back(delivered, "138.90", "0.00", refund.pk)
    order = Order.objects.get()
    assert (order.status, order.payment_undone) == ("delivered", True)
    with pytest.raises(MoreThanIsLeft):
        ask(delivered, "0.01")


# --- What becomes of it ---


def test_orders_knows_what_became_of_each_refund(delivered, given_back, refused):
    good, bad = ask(delivered, "5.00"), ask(delivered, "6.00")
    given_back(delivered, "5.00", "133.90", good.pk)
    refused(delivered, bad.pk)
    states = {refund.pk: (refund.outcome, refund.failure) for refund in RefundRequest.objects.all()}
    assert states == {good.pk: ("succeeded", ""), bad.pk: ("failed", "declined")}


def test_a_refund_that_failed_and_was_retried_has_succeeded(delivered, given_back, refused):
    refund = ask(delivered, "5.00")
    refused(delivered, refund.pk)
    given_back(delivered, "5.00", "133.90", refund.pk)
    refused(delivered, refund.pk)  # late
    assert RefundRequest.objects.get().outcome == "succeeded"


def test_a_part_that_fails_does_not_hold_the_order_up(paid, refused):
    refused(paid, ask(paid, "5.00").pk)
    assert Order.objects.get().status == "paid"


def test_a_part_that_fails_holds_up_an_order_that_is_being_cancelled(paid, refused):
    refund = ask(paid, "5.00")
    orders.request_cancellation(order_id=paid.pk, reason="customer")
    refused(paid, refund.pk)
    order = Order.objects.get()
    assert (order.status, order.attention_reason) == ("needs_attention", "refund_failed")
