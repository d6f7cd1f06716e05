"""Goods of a return: received once, into the stock or written off, and paid back."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, connections, transaction
from django.utils import timezone

from orders.errors import (
    IllegalReturn,
    InvalidReturn,
    MoreThanIsAwaited,
    MoreThanIsLeft,
)
from orders.models import RefundRequest, Return, ReturnLine
from orders.refunds.plan import Wish
from orders.refunds.services import request_refund
from shop.messaging.models import EventRecord, ScheduledMessage
from tests.support.inprocess import deliver
from tests.unit.orders.returns.support import (
    approved,
    ask,
    deliver_created,
    euros,
    logged,
    receive,
    state,
    stock,
)

pytestmark = pytest.mark.django_db


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
