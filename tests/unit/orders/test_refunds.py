"""Refunds by amount and by lines: never more than was paid, never a line twice, once per key."""

import json
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from functools import partial

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connections
from django.urls import reverse

from inventory import services as inventory
from orders import history
from orders import services as orders
from orders.changes import take
from orders.errors import LinesRefunded, MoreThanIsLeft, NotRefundable, OrdersError, TooEarlyToRestock
from orders.models import Order, RefundRequest
from orders.refunds.plan import Wish
from orders.refunds.services import request_refund
from orders.states import AttentionReason
from payments.events import PaymentRefunded, RefundFailed
from shop.ids import uuid7
from shop.messaging.contracts import Money
from shop.messaging.models import EventRecord
from shop.messaging.publishing import publish, unit_of_work
from tests.support import outcomes
from tests.support.inprocess import deliver
from tests.support.rights import staff_with
from tests.unit.orders.rest import client_of

pytestmark = pytest.mark.django_db

TOTAL = Decimal("138.90")
BY_AMOUNT = {"amount": {"amount": "5.00", "currency": "EUR"}, "reason": "a scratch"}


def euros(amount):
    return Money(amount=amount, currency="EUR")


def ask(order, amount=None, reason="a scratch", **lines):
    restock = lines.pop("restock", False)
    wish = Wish(amount=amount and euros(amount), lines=lines, restock=restock)
    return request_refund(order_id=order.pk, wish=wish, reason=reason)


@pytest.fixture
def paid(place):
    """Two teapots and a kettle, paid: 138.90 EUR."""
    order = place(lines=[("TEAPOT", 2), ("KETTLE", 1)])
    assert order.total == TOTAL
    outcomes.record_payments(order_ids=[order.pk])
    return order


@pytest.fixture
def delivered(paid):
    outcomes.record_deductions(order_ids=[paid.pk])
    outcomes.record_deliveries(order_ids=[paid.pk])
    return paid


@pytest.fixture
def given_back():
    """Have payments say that money went back, and orders take note."""

    def say(order, amount, left, refund_id=None):
        with unit_of_work():
            event = publish(
                PaymentRefunded(
                    order_id=order.pk,
                    payment_id=uuid7(),
                    refund_id=refund_id or uuid7(),
                    amount=euros(amount),
                    left=euros(left),
                )
            )
        deliver(event, app="orders")

    return say


@pytest.fixture
def refused():
    def say(order, refund_id):
        with unit_of_work():
            event = publish(
                RefundFailed(
                    order_id=order.pk,
                    payment_id=uuid7(),
                    refund_id=refund_id,
                    amount=euros("5.00"),
                    code="declined",
                )
            )
        deliver(event, app="orders")

    return say


def requested_event(order):
    return EventRecord.objects.get(aggregate_id=order.pk, type="orders.RefundRequested.v1").data


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


# --- By REST ---


@pytest.fixture
def fiona(db):
    """She keeps the money."""
    return client_of(staff_with("orders.view_order", "orders.refund_order"))


def url_of(order):
    return f"/api/v1/orders/{order.pk}/refunds"


def post(client, order, body, key="a-key"):
    return client.post(url_of(order), body, format="json", headers={"Idempotency-Key": key})


def test_the_same_key_gets_the_same_refund(delivered, fiona):
    answers = [post(fiona, delivered, BY_AMOUNT) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [201] * 3
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert RefundRequest.objects.count() == 1
    assert post(fiona, delivered, BY_AMOUNT, key="another").json()["id"] != answers[0].json()["id"]


def test_the_same_key_with_another_body_is_refused(delivered, fiona):
    post(fiona, delivered, BY_AMOUNT)
    other = {**BY_AMOUNT, "amount": {"amount": "6.00", "currency": "EUR"}}
    assert post(fiona, delivered, other).status_code == 422
    assert RefundRequest.objects.count() == 1


def test_the_url_of_a_refund_tells_how_far_it_is(delivered, fiona, given_back):
    body = {"lines": [{"sku": "TEAPOT", "quantity": 2}], "restock": True, "reason": "they came back"}
    answer = post(fiona, delivered, body)
    made = answer.json()
    assert made["amount"] == {"amount": "49.90", "currency": "EUR"}
    assert (made["state"], made["lines"], made["restock"]) == ("requested", body["lines"], True)
    given_back(delivered, "49.90", "89.00", made["id"])
    assert fiona.get(answer["Location"]).json()["state"] == "succeeded"
    assert [refund["id"] for refund in fiona.get(url_of(delivered)).json()] == [made["id"]]


def test_the_journal_tells_who_gave_money_back_but_not_why(delivered, fiona):
    post(fiona, delivered, BY_AMOUNT)
    assert LogEntry.objects.get().change_message.startswith("Requested a refund of 5.00 EUR.")
    assert "scratch" not in LogEntry.objects.get().change_message


WRONG = [
    {"reason": "nothing"},
    {**BY_AMOUNT, "lines": [{"sku": "TEAPOT", "quantity": 1}]},
    {**BY_AMOUNT, "restock": True},
    {"amount": {"amount": "5.00", "currency": "EUR"}},
    {**BY_AMOUNT, "reason": " "},
    {**BY_AMOUNT, "reason": "\u200b"},
    {**BY_AMOUNT, "reason": "x" * 301},
    {**BY_AMOUNT, "amount": {"amount": "0.00", "currency": "EUR"}},
    {**BY_AMOUNT, "amount": {"amount": "-1.00", "currency": "EUR"}},
    {**BY_AMOUNT, "amount": {"amount": "1.001", "currency": "EUR"}},
    {**BY_AMOUNT, "amount": {"amount": "5.00", "currency": "GBP"}},
    {**BY_AMOUNT, "amount": {"amount": 5, "currency": "EUR"}},
    {**BY_AMOUNT, "amount": {"amount": "NaN", "currency": "EUR"}},
    {**BY_AMOUNT, "amount": "5.00"},
    {**BY_AMOUNT, "whim": True},
    {"lines": [], "reason": "nothing"},
    {"lines": [{"sku": "SPOON", "quantity": 1}], "reason": "none of the order"},
    {"lines": [{"sku": "TEAPOT", "quantity": 0}], "reason": "none"},
]


@pytest.mark.parametrize("body", WRONG)
def test_a_request_that_is_wrong_is_refused_by_its_field(delivered, fiona, body):
    answer = post(fiona, delivered, body)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    assert not RefundRequest.objects.exists()


def test_what_the_order_does_not_allow_is_a_conflict(delivered, place, fiona):
    too_much = {**BY_AMOUNT, "amount": {"amount": "138.91", "currency": "EUR"}}
    assert "Only 138.90 EUR" in post(fiona, delivered, too_much).json()["detail"]
    assert post(fiona, place(), BY_AMOUNT, key="b").status_code == 409


def test_a_key_is_needed(delivered, fiona):
    assert fiona.post(url_of(delivered), BY_AMOUNT, format="json").status_code == 400


def test_a_customer_reads_own_refunds_without_reasons_and_gives_nothing_back(delivered, as_ada, as_bob):
    ask(delivered, "5.00")
    assert post(as_ada, delivered, BY_AMOUNT).status_code == 403
    [mine] = as_ada.get(url_of(delivered)).json()
    assert mine["amount"] == {"amount": "5.00", "currency": "EUR"}
    assert "reason" not in mine
    assert as_bob.get(url_of(delivered)).status_code == 404


# --- In the admin ---


@pytest.fixture
def form(admin_client, delivered):
    page = reverse("admin:orders_order_refund", args=[delivered.pk])
    teapots = f"quantity_{delivered.lines.get(sku='TEAPOT').pk}"
    return page, {teapots: "2", "restock": "on", "reason": "they came back"}


def test_the_admin_says_the_effect_before_anything_happens(admin_client, delivered, form):
    page, data = form
    assert (
        page in admin_client.get(reverse("admin:orders_order_change", args=[delivered.pk])).content.decode()
    )
    assert "138.90 EUR</strong> of 138.90 EUR can still" in admin_client.get(page).content.decode()
    shown = admin_client.post(page, data).content.decode()
    assert "49.90 EUR</strong> go back" in shown
    assert "89.00 EUR</strong> can still be given back afterwards" in shown
    assert "back into the stock" in shown
    assert not RefundRequest.objects.exists()


def test_the_admin_requests_the_refund_once(admin_client, delivered, form):
    page, data = form
    key = admin_client.get(page).context["form"]["attempt"].value()
    for _ in range(2):
        answer = admin_client.post(page, {**data, "attempt": str(key), "confirmed": "on"})
        assert answer.status_code == 302
    refund = RefundRequest.objects.get()
    assert (refund.amount, refund.restock, refund.quantities) == (Decimal("49.90"), True, {"TEAPOT": 2})
    assert LogEntry.objects.get().change_message == "Requested a refund of 49.90 EUR."


def test_the_admin_says_that_it_would_cancel_the_order(admin_client, paid):
    page = reverse("admin:orders_order_refund", args=[paid.pk])
    shown = admin_client.post(page, {"amount": "138.90", "reason": "a mistake"}).content.decode()
    assert "the order is cancelled" in shown


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"amount": "138.91"}, "Only 138.90 EUR"),
        ({}, "either quantities or an amount"),
        ({"amount": "1.001"}, "fewer decimals"),
        ({"amount": "1.00", "restock": "on"}, "quantities that are back"),
    ],
)
def test_the_admin_says_what_is_wrong(admin_client, delivered, data, message):
    page = reverse("admin:orders_order_refund", args=[delivered.pk])
    answer = admin_client.post(page, {"reason": "a scratch", "confirmed": "on", **data})
    assert message in answer.content.decode()
    assert not RefundRequest.objects.exists()


def test_every_refusal_is_an_error_that_a_person_can_read(delivered):
    with pytest.raises(OrdersError, match="Say why"):
        ask(delivered, "1.00", reason="\u200b")
