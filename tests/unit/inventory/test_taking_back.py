"""Goods that come back after their parcel had left: once, and no more than were taken."""

from decimal import Decimal

import pytest

from inventory import queries, services
from inventory.errors import MoreThanWasTaken
from inventory.models import OrderStock, Product, StockMovement
from inventory.taking_back import take_back
from shop.ids import uuid7
from shop.messaging.errors import TooEarly
from shop.messaging.models import EventRecord

pytestmark = pytest.mark.django_db


@pytest.fixture
def sold(db):
    """Three cups of ten are sold."""
    services.add_product(sku="CUP", name="Cup", price=Decimal("4.90"), stock=10)
    order_id = uuid7()
    services.reserve_stock(lines={order_id: [("CUP", 3)]})
    services.deduct_stock(order_ids=[order_id])
    return order_id


def available():
    return Product.objects.get(sku="CUP").available


def test_goods_come_back_once_for_what_they_came_back_with(sold):
    refund = uuid7()
    for _ in range(2):
        take_back(order_id=sold, returned_with=refund, lines={"CUP": 2})
    assert available() == 9
    movement = StockMovement.objects.get(kind="returned")
    assert (movement.quantity, movement.order_id, movement.returned_with) == (2, sold, refund)
    event = EventRecord.objects.get(type="inventory.StockReturned.v1")
    assert event.data["lines"] == [{"sku": "CUP", "quantity": 2}]


def test_no_more_comes_back_than_was_taken(sold):
    take_back(order_id=sold, returned_with=uuid7(), lines={"CUP": 2})
    with pytest.raises(MoreThanWasTaken, match="3 of CUP were taken"):
        take_back(order_id=sold, returned_with=uuid7(), lines={"CUP": 2})
    assert available() == 9


def test_goods_that_were_put_back_already_do_not_come_back_again(sold):
    services.restock(order_ids=[sold])
    take_back(order_id=sold, returned_with=uuid7(), lines={"CUP": 1})
    assert (available(), OrderStock.objects.get().state) == (10, "restocked")


def test_goods_of_an_order_that_is_not_decided_are_too_early(sold):
    order_id = uuid7()
    services.reserve_stock(lines={order_id: [("CUP", 3)]})
    with pytest.raises(TooEarly):
        take_back(order_id=order_id, returned_with=uuid7(), lines={"CUP": 1})


def test_ledger_and_events_agree_on_what_came_back(sold):
    take_back(order_id=sold, returned_with=uuid7(), lines={"CUP": 2})
    [facts] = queries.stock_facts()
    assert (facts.available, facts.expected, facts.by_events) == (9, 9, 9)
    [of_order] = queries.order_stock_facts()
    assert (of_order.deducted, of_order.restocked, of_order.returned) == ({"CUP": 3}, {}, {"CUP": 2})
