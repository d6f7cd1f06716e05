"""Returns: never more than was delivered, and decided by staff."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connections
from django.utils import timezone

from orders import erasure
from orders.errors import (
    IllegalReturn,
    InvalidReturn,
    LinesRefunded,
    LinesTaken,
    NotReturnable,
)
from orders.events import ReturnArrivalDue
from orders.models import RefundRequest, Return
from orders.refunds.plan import Wish
from orders.refunds.services import request_refund
from orders.returns.services import approve_return, cancel_return, reject_return
from shop.ids import uuid7
from shop.messaging.contracts import ERASED
from shop.messaging.models import ScheduledMessage
from shop.messaging.publishing import stamp
from tests.support import outcomes
from tests.support.inprocess import deliver, fire_reminders
from tests.unit.orders.returns.support import (
    approved,
    ask,
    event,
    receive,
    state,
)

pytestmark = pytest.mark.django_db


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


# --- What is personal ---


def test_the_words_about_a_return_are_erased_with_the_customer(delivered):
    returned = ask(delivered, TEAPOT=1, reason="Ada's cup")
    reject_return(order_id=delivered.pk, return_id=returned.pk, reason="Ada has used it")
    ask(delivered, TEAPOT=1, reason="Ada's other cup")
    erasure.erase_next(subject_id=uuid7(), customer_id=delivered.customer_id, after=None)
    assert [(one.reason, one.refusal) for one in Return.objects.all()] == [(ERASED, ERASED), (ERASED, "")]
    assert "orders_return" in erasure.personal_data_of([delivered.pk])
