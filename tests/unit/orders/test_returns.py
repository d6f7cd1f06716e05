"""Returns: never more than was delivered, decided by staff, received once, and paid back."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib.admin.models import LogEntry
from django.db import IntegrityError, connections, transaction
from django.utils import timezone

from inventory.models import Product
from orders import erasure
from orders.errors import (
    IllegalReturn,
    InvalidReturn,
    LinesRefunded,
    LinesTaken,
    MoreThanIsAwaited,
    MoreThanIsLeft,
    NotReturnable,
)
from orders.events import ReturnArrivalDue
from orders.models import RefundRequest, Return, ReturnLine
from orders.refunds.plan import Wish
from orders.refunds.services import request_refund
from orders.returns.plan import Received
from orders.returns.receiving import receive_return
from orders.returns.services import approve_return, cancel_return, reject_return, request_return
from payments.events import PaymentProcessed
from shop.ids import uuid7
from shop.messaging.contracts import ERASED, Money
from shop.messaging.event_log import as_event
from shop.messaging.models import EventRecord, ScheduledMessage
from shop.messaging.publishing import publish, stamp, unit_of_work
from tests.support import outcomes
from tests.support.inprocess import deliver, fire_reminders
from tests.support.rights import staff_with
from tests.unit.orders.rest import client_of

pytestmark = pytest.mark.django_db

CRACKED = {"lines": [{"sku": "TEAPOT", "quantity": 1}], "reason": "It has a crack"}


def euros(amount):
    return Money(amount=amount, currency="EUR")


@pytest.fixture
def delivered(place):
    """Two teapots and a kettle, delivered just now: 138.90 EUR."""
    order = place(lines=[("TEAPOT", 2), ("KETTLE", 1)])
    outcomes.delivered(order)
    return order


def ask(order, reason="It has a crack", by_customer=True, **lines):
    return request_return(order_id=order.pk, lines=lines, reason=reason, by_customer=by_customer)


def approved(order, **lines):
    returned = ask(order, **lines)
    return approve_return(order_id=order.pk, return_id=returned.pk)


def receive(returned, amount=None, **lines):
    received = {sku: Received(*counts) for sku, counts in lines.items()}
    return receive_return(
        order_id=returned.order_id,
        return_id=returned.pk,
        received=received,
        amount=None if amount is None else euros(amount),
    )


def event(order, name):
    return EventRecord.objects.get(aggregate_id=order.pk, type=f"orders.{name}.v1").data


def state(returned):
    return Return.objects.get(pk=returned.pk).state


# --- Asking ---


def test_a_return_is_asked_for_and_its_reason_stays_in_orders(delivered):
    returned = ask(delivered, TEAPOT=1, reason="Ada's cup has a crack")
    data = event(delivered, "ReturnRequested")
    assert data["lines"] == [{"sku": "TEAPOT", "name": "Teapot", "quantity": 1}]
    assert (data["return_id"], data["by_customer"]) == (str(returned.pk), True)
    assert "crack" not in json.dumps(data)
    assert (returned.state, returned.reason) == ("requested", "Ada's cup has a crack")


def test_nothing_is_sent_back_that_is_not_delivered(place):
    order = place()
    outcomes.record_shipments(order_ids=[order.pk])
    with pytest.raises(NotReturnable, match="not delivered"):
        ask(order, TEAPOT=1)


def test_a_customer_can_ask_for_some_days_and_staff_later(delivered, settings):
    settings.SHOP_RETURN_PERIOD = timedelta(0)
    with pytest.raises(NotReturnable, match="more than 0 days ago"):
        ask(delivered, TEAPOT=1)
    assert ask(delivered, TEAPOT=1, by_customer=False).state == "requested"


@pytest.mark.parametrize("lines", [{}, {"SPOON": 1}, {"TEAPOT": 0}])
def test_a_return_is_for_lines_of_the_order(delivered, lines):
    with pytest.raises(InvalidReturn):
        ask(delivered, **lines)


def test_a_reason_has_to_be_seen(delivered):
    with pytest.raises(InvalidReturn, match="Say why"):
        ask(delivered, TEAPOT=1, reason="\u200b")


def test_no_more_is_returned_than_was_delivered(delivered):
    ask(delivered, TEAPOT=1)
    with pytest.raises(LinesTaken, match="at most 1"):
        ask(delivered, TEAPOT=2)
    ask(delivered, TEAPOT=1)
    with pytest.raises(LinesTaken, match="2 of 2 TEAPOT"):
        ask(delivered, TEAPOT=1)


def test_what_was_refunded_by_lines_cannot_be_sent_back(delivered):
    request_refund(order_id=delivered.pk, wish=Wish(lines={"TEAPOT": 1}), reason="it broke")
    with pytest.raises(LinesTaken, match="1 of 2 TEAPOT"):
        ask(delivered, TEAPOT=2)


def test_what_is_in_a_return_is_not_refunded_by_lines_as_well(delivered):
    returned = approved(delivered, TEAPOT=2)
    with pytest.raises(LinesRefunded):
        request_refund(order_id=delivered.pk, wish=Wish(lines={"TEAPOT": 1}), reason="it broke")
    receive(returned, TEAPOT=(2, 0))
    with pytest.raises(LinesRefunded):
        request_refund(order_id=delivered.pk, wish=Wish(lines={"TEAPOT": 1}), reason="it broke")


def test_what_does_not_come_back_can_be_asked_for_again(delivered):
    returned = ask(delivered, TEAPOT=2)
    cancel_return(order_id=delivered.pk, return_id=returned.pk)
    refused = ask(delivered, TEAPOT=2)
    reject_return(order_id=delivered.pk, return_id=refused.pk, reason="it was used")
    partly = approved(delivered, TEAPOT=2)
    receive(partly, TEAPOT=(1, 0))
    cancel_return(order_id=delivered.pk, return_id=partly.pk)
    ask(delivered, TEAPOT=1)
    with pytest.raises(LinesTaken):
        ask(delivered, TEAPOT=1)


@pytest.mark.django_db(transaction=True)
def test_of_returns_and_a_refund_at_once_that_are_too_much_together_one_is_accepted(delivered):
    def work(number):
        try:
            if number == 0:
                return request_refund(order_id=delivered.pk, wish=Wish(lines={"KETTLE": 1}), reason="broken")
            return ask(delivered, KETTLE=1)
        except (LinesTaken, LinesRefunded):
            return None
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as workers:
        made = list(workers.map(work, range(4)))
    assert len([one for one in made if one]) == 1
    assert Return.objects.count() + RefundRequest.objects.count() == 1


# --- Deciding ---


def test_an_approved_return_has_a_deadline(delivered, settings):
    settings.SHOP_RETURN_ARRIVAL = timedelta(days=3)
    returned = approved(delivered, TEAPOT=1)
    reminder = ScheduledMessage.objects.get(aggregate_id=returned.pk)
    assert reminder.due_at == returned.arrive_by
    assert timedelta(days=2) < returned.arrive_by - timezone.now() <= timedelta(days=3)
    assert event(delivered, "ReturnApproved")["lines"][0]["quantity"] == 1


def test_a_refused_return_says_why_sealed_in_the_log(delivered):
    returned = ask(delivered, TEAPOT=1)
    reject_return(order_id=delivered.pk, return_id=returned.pk, reason="Ada has used it")
    assert (state(returned), Return.objects.get().refusal) == ("rejected", "Ada has used it")
    data = event(delivered, "ReturnRejected")
    assert data["personal"]
    assert "used" not in json.dumps(data)


@pytest.mark.parametrize(
    "act", [approve_return, cancel_return, lambda **ids: reject_return(reason="no", **ids)]
)
def test_a_return_that_has_ended_stays_as_it_is(delivered, act):
    returned = ask(delivered, TEAPOT=1)
    reject_return(order_id=delivered.pk, return_id=returned.pk, reason="it was used")
    with pytest.raises(IllegalReturn, match="refused"):
        act(order_id=delivered.pk, return_id=returned.pk)


@pytest.mark.django_db(transaction=True)
def test_goods_that_do_not_come_end_the_return(delivered, settings, said):
    returned = approved(delivered, TEAPOT=1)
    fire_reminders()
    assert state(returned) == "approved"  # the timer came early
    Return.objects.update(arrive_by=timezone.now() - timedelta(seconds=1))
    fire_reminders()
    assert state(returned) == "expired"
    assert said(delivered)[-1] == "ReturnExpired"
    ask(delivered, TEAPOT=2)


def test_a_late_reminder_does_nothing_to_what_has_come(delivered):
    returned = approved(delivered, TEAPOT=1)
    receive(returned, TEAPOT=(1, 0))
    assert not ScheduledMessage.objects.filter(aggregate_id=returned.pk).exists()
    deliver(stamp(ReturnArrivalDue(order_id=delivered.pk, return_id=returned.pk)), app="orders")
    assert state(returned) == "received"


# --- Receiving ---


def test_goods_come_back_in_several_parcels_and_their_price_follows(delivered):
    returned = approved(delivered, TEAPOT=2, KETTLE=1)
    first = receive(returned, TEAPOT=(1, 0))
    assert (state(returned), first.refund.amount) == ("approved", Decimal("24.95"))
    second = receive(returned, TEAPOT=(0, 1), KETTLE=(1, 0))
    assert (state(returned), second.refund.amount) == ("received", Decimal("113.95"))
    counts = {line.sku: (line.restocked, line.written_off) for line in ReturnLine.objects.all()}
    assert counts == {"TEAPOT": (1, 1), "KETTLE": (1, 0)}
    facts = [
        (data["is_complete"], data["refund"]["amount"])
        for data in EventRecord.objects.filter(type="orders.ReturnReceived.v1")
        .order_by("position")
        .values_list("data", flat=True)
    ]
    assert facts == [(False, "24.95"), (True, "113.95")]


def test_the_rest_gets_more_time(delivered):
    returned = approved(delivered, TEAPOT=2)
    Return.objects.update(arrive_by=timezone.now())
    receive(returned, TEAPOT=(1, 0))
    assert Return.objects.get().arrive_by > timezone.now() + timedelta(days=1)


def test_what_can_be_sold_goes_into_the_stock_once_and_the_rest_does_not(delivered):
    deliver_created(delivered)
    before = stock()
    receive(approved(delivered, TEAPOT=2), TEAPOT=(1, 1))
    received = logged(delivered, "ReturnReceived")
    for _ in range(2):
        deliver(received, app="inventory")
    assert stock() == before + 1


def test_what_is_written_off_alone_moves_no_stock(delivered):
    deliver_created(delivered)
    before = stock()
    receive(approved(delivered, TEAPOT=1), TEAPOT=(0, 1))
    deliver(logged(delivered, "ReturnReceived"), app="inventory")
    assert stock() == before
    assert not ScheduledMessage.objects.filter(kind="retry").exists()
    assert not EventRecord.objects.filter(type="inventory.StockReturned.v1").exists()


def deliver_created(order):
    """Have inventory take the lines of the order."""
    deliver(logged(order, "OrderCreated", version=2), app="inventory")
    with unit_of_work():
        paid = publish(PaymentProcessed(order_id=order.pk, payment_id=uuid7(), amount=euros("138.90")))
    deliver(paid, app="inventory")


def logged(order, name, version=1):
    return as_event(EventRecord.objects.get(aggregate_id=order.pk, type=f"orders.{name}.v{version}"))


def stock():
    return Product.objects.get(sku="TEAPOT").available


def test_more_than_was_approved_never_comes_back(delivered):
    returned = approved(delivered, TEAPOT=1)
    for wrong in ({"TEAPOT": (1, 1)}, {"TEAPOT": (2, 0)}):
        with pytest.raises(MoreThanIsAwaited):
            receive(returned, **wrong)
    with pytest.raises(InvalidReturn, match="no line KETTLE"):
        receive(returned, KETTLE=(1, 0))
    with pytest.raises(InvalidReturn, match="what came back"):
        receive(returned, TEAPOT=(0, 0))
    with pytest.raises(IntegrityError), transaction.atomic():
        ReturnLine.objects.update(restocked=2)


def test_only_what_is_approved_is_received(delivered):
    returned = ask(delivered, TEAPOT=1)
    with pytest.raises(IllegalReturn, match="requested"):
        receive(returned, TEAPOT=(1, 0))


@pytest.mark.django_db(transaction=True)
def test_of_two_receipts_at_once_one_is_recorded(delivered):
    returned = approved(delivered, KETTLE=1)

    def work(_):
        try:
            return receive(returned, KETTLE=(1, 0))
        except (IllegalReturn, MoreThanIsAwaited):
            return None
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as workers:
        made = list(workers.map(work, range(4)))
    assert len([one for one in made if one]) == 1
    assert RefundRequest.objects.count() == 1


def test_another_amount_or_none_is_given_back_if_it_is_said(delivered):
    returned = approved(delivered, TEAPOT=2, KETTLE=1)
    assert receive(returned, amount="5.00", TEAPOT=(0, 1)).refund.amount == Decimal("5.00")
    assert receive(returned, amount="0.00", TEAPOT=(0, 1)).refund is None
    assert event_of_last_receipt(delivered)["refund"] is None
    with pytest.raises(MoreThanIsLeft):
        receive(returned, amount="133.91", KETTLE=(1, 0))


def event_of_last_receipt(order):
    return EventRecord.objects.filter(type="orders.ReturnReceived.v1").latest("position").data


def test_no_more_than_is_left_goes_back_for_goods(delivered):
    request_refund(order_id=delivered.pk, wish=Wish(amount=euros("130.00")), reason="late")
    returned = approved(delivered, TEAPOT=2)
    assert receive(returned, TEAPOT=(1, 0)).refund.amount == Decimal("8.90")
    assert receive(returned, TEAPOT=(1, 0)).refund is None


# --- What is personal ---


def test_the_words_about_a_return_are_erased_with_the_customer(delivered):
    returned = ask(delivered, TEAPOT=1, reason="Ada's cup")
    reject_return(order_id=delivered.pk, return_id=returned.pk, reason="Ada has used it")
    ask(delivered, TEAPOT=1, reason="Ada's other cup")
    erasure.erase_next(subject_id=uuid7(), customer_id=delivered.customer_id, after=None)
    assert [(one.reason, one.refusal) for one in Return.objects.all()] == [(ERASED, ERASED), (ERASED, "")]
    assert "orders_return" in erasure.personal_data_of([delivered.pk])


# --- By REST ---


@pytest.fixture
def rita(db):
    """She decides and receives."""
    rights = ("view_return", "request_return", "decide_return", "receive_return")
    return client_of(staff_with(*(f"orders.{right}" for right in rights)))


def url_of(order, *parts):
    return "/".join([f"/api/v1/orders/{order.pk}/returns", *map(str, parts)])


def post(client, url, body=None, key="a-key"):
    return client.post(url, body or {}, format="json", headers={"Idempotency-Key": key})


def test_the_way_of_a_return_by_the_api(delivered, as_ada, rita):
    asked = post(as_ada, url_of(delivered), CRACKED)
    assert asked.status_code == 201
    made = asked.json()
    assert (made["state"], made["by_customer"]) == ("requested", True)
    assert as_ada.get(asked["Location"]).json() == made
    assert post(rita, url_of(delivered, made["id"], "approve")).json()["state"] == "approved"
    body = {"lines": [{"sku": "TEAPOT", "restocked": 1}]}
    done = post(rita, url_of(delivered, made["id"], "receive"), body).json()
    assert (done["state"], done["lines"][0]["restocked"]) == ("received", 1)
    assert done["receipts"][0]["refund"]["amount"] == {"amount": "24.95", "currency": "EUR"}
    assert as_ada.get(url_of(delivered)).json() == [done]
    entries = LogEntry.objects.order_by("pk").values_list("change_message", flat=True)
    assert [text.split(" (")[0] for text in entries] == ["Approved a return.", "Received goods of a return."]


def test_the_same_key_asks_once_and_receives_once(delivered, as_ada, rita):
    answers = [post(as_ada, url_of(delivered), CRACKED) for _ in range(3)]
    assert len({answer.json()["id"] for answer in answers}) == 1
    return_id = answers[0].json()["id"]
    post(rita, url_of(delivered, return_id, "approve"))
    body = {"lines": [{"sku": "TEAPOT", "written_off": 1}]}
    for _ in range(3):
        assert post(rita, url_of(delivered, return_id, "receive"), body).status_code == 200
    assert RefundRequest.objects.count() == Return.objects.count() == 1
    assert as_ada.post(url_of(delivered), CRACKED, format="json").status_code == 400  # no key


def test_a_customer_withdraws_own_returns_and_decides_nothing(delivered, as_ada, as_bob):
    made = post(as_ada, url_of(delivered), CRACKED).json()["id"]
    for act in ("approve", "reject", "receive"):
        assert post(as_ada, url_of(delivered, made, act), {"reason": "no"}, key=act).status_code == 403
    for path in ((), (made,)):
        assert as_bob.get(url_of(delivered, *path)).status_code == 404
    assert post(as_bob, url_of(delivered, made, "cancel")).status_code == 404
    assert post(as_ada, url_of(delivered, made, "cancel")).json()["state"] == "cancelled"
    assert post(as_ada, url_of(delivered, made, "cancel"), key="b").status_code == 409
    assert not LogEntry.objects.exists()


def test_a_refusal_is_told_with_its_reason(delivered, as_ada, rita):
    made = post(as_ada, url_of(delivered), CRACKED).json()["id"]
    assert post(rita, url_of(delivered, made, "reject"), {"reason": "\u200b"}).status_code == 400
    post(rita, url_of(delivered, made, "reject"), {"reason": "It was used"})
    assert as_ada.get(url_of(delivered, made)).json()["refusal"] == "It was used"


def test_another_amount_takes_the_permission_to_refund(delivered, rita):
    returned = approved(delivered, TEAPOT=2)
    fiona = client_of(
        staff_with("orders.view_return", "orders.receive_return", "orders.refund_order", username="fiona")
    )
    url = url_of(delivered, returned.pk, "receive")
    for other in ({"refund": False}, {"amount": {"amount": "5.00", "currency": "EUR"}}):
        body = {"lines": [{"sku": "TEAPOT", "written_off": 1}], **other}
        assert post(rita, url, body).status_code == 403
        assert post(fiona, url, body, key=str(other)).status_code == 200
    assert [str(refund.money) for refund in RefundRequest.objects.all()] == ["5.00 EUR"]


WRONG = [
    {"reason": "nothing"},
    {**CRACKED, "lines": []},
    {**CRACKED, "lines": [{"sku": "SPOON", "quantity": 1}]},
    {**CRACKED, "lines": [{"sku": "TEAPOT", "quantity": 0}]},
    {**CRACKED, "reason": " "},
    {**CRACKED, "reason": "x" * 301},
    {**CRACKED, "whim": True},
]


@pytest.mark.parametrize("body", WRONG)
def test_a_request_that_is_wrong_is_refused_by_its_field(delivered, as_ada, body):
    answer = post(as_ada, url_of(delivered), body)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    assert not Return.objects.exists()


def test_what_the_order_does_not_allow_is_a_conflict(delivered, place, as_ada):
    too_many = {**CRACKED, "lines": [{"sku": "TEAPOT", "quantity": 3}]}
    assert "at most 2" in post(as_ada, url_of(delivered), too_many).json()["detail"]
    assert post(as_ada, url_of(place()), CRACKED, key="b").status_code == 409
