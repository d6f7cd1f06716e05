"""Products that can be ordered ahead: orders wait for goods, and the oldest are served first."""

import pytest
from django.db import transaction

from inventory import services
from inventory.bookings import Booking
from inventory.models import Product
from shop.ids import uuid7
from shop.messaging.event_log import as_event
from shop.messaging.models import EventRecord
from tests.support.inprocess import deliver

pytestmark = pytest.mark.django_db


@pytest.fixture
def lamp(db) -> Product:
    return services.add_product(sku="LAMP", name="Lamp", price=9, stock=1, backorderable=True)


def pay(*orders):
    services.deduct_stock(order_ids=orders)


def happens(kind, sku, quantity):
    """Book a change of stock, and let inventory consume its event."""
    seen = set(EventRecord.objects.values_list("pk", flat=True))
    services.book(bookings=[Booking(kind=kind, sku=sku, quantity=quantity, reason="so")])
    follow(seen)


def follow(seen):
    """Deliver what was published since to inventory, until nothing new is."""
    while news := list(EventRecord.objects.exclude(pk__in=seen).order_by("position")):
        for record in news:
            seen.add(record.pk)
            deliver(as_event(record), app="inventory")


def test_an_order_of_what_is_short_waits_and_holds_nothing(lamp, teapot, wants, published, state, balanced):
    order = wants(LAMP=2, TEAPOT=1)
    assert (state(order), published(order)) == ("short", [])
    assert set(Product.objects.values_list("reserved", flat=True)) == {0}
    pay(order)
    assert (state(order), published(order)) == ("awaiting", ["InventoryAwaited"])
    assert EventRecord.objects.get().data["shortages"] == [{"sku": "LAMP", "requested": 2, "available": 1}]
    assert balanced()


def test_an_order_that_is_short_of_other_goods_is_rejected(lamp, teapot, wants, published):
    order = wants(LAMP=2, TEAPOT=6)
    assert published(order) == ["InventoryRejected"]


def test_a_second_payment_event_does_not_make_it_wait_twice(lamp, wants, published):
    order = wants(LAMP=2)
    pay(order)
    pay(order)
    assert published(order) == ["InventoryAwaited"]


def test_what_is_there_is_reserved_as_ever(lamp, wants, state):
    assert state(wants(LAMP=1)) == "reserved"


def test_a_receipt_serves_the_oldest_first_and_no_order_in_part(
    lamp, wants, state, published, available, balanced
):
    orders = [wants(LAMP=n) for n in (3, 2, 4, 2)]
    pay(*orders)
    happens("received", "LAMP", 6)
    assert [state(order) for order in orders] == ["deducted", "deducted", "awaiting", "deducted"]
    assert published(orders[0]) == ["InventoryAwaited", "InventoryUpdated"]
    assert available("LAMP") == 0
    happens("received", "LAMP", 4)
    assert state(orders[2]) == "deducted"
    assert balanced()


def test_an_order_that_is_not_paid_yet_is_reserved_when_goods_come(lamp, wants, state, published, balanced):
    order = wants(LAMP=2)
    happens("received", "LAMP", 1)
    assert (state(order), published(order)) == ("reserved", ["InventoryReserved"])
    pay(order)
    assert published(order) == ["InventoryReserved", "InventoryUpdated"]
    assert balanced()


def test_an_order_that_is_paid_once_goods_are_there_does_not_wait(lamp, wants, published, balanced):
    order = wants(LAMP=2)
    services.book(bookings=[Booking(kind="received", sku="LAMP", quantity=1, reason="so")])
    pay(order)
    assert published(order) == ["InventoryUpdated"]
    assert balanced()


@pytest.mark.parametrize(("kind", "quantity"), [("received", 1), ("counted", 2), ("adjusted", 1)])
def test_whatever_brings_goods_serves_who_waits(lamp, wants, state, kind, quantity):
    order = wants(LAMP=2)
    pay(order)
    happens(kind, "LAMP", quantity)
    assert state(order) == "deducted"


def test_goods_that_another_order_gives_up_serve_who_waits(lamp, wants, state):
    held, taken = wants(LAMP=1), None
    waiting = wants(LAMP=1)
    pay(waiting)
    seen = set(EventRecord.objects.values_list("pk", flat=True))
    services.stop_orders(order_ids=[held])
    follow(seen)
    assert state(waiting) == "deducted"
    next_one = wants(LAMP=1)
    pay(next_one)
    services.restock(order_ids=[waiting])
    follow(seen)
    assert (state(next_one), taken) == ("deducted", None)


@pytest.mark.parametrize("is_paid", [False, True])
def test_an_order_that_is_stopped_waits_no_longer(lamp, wants, state, published, is_paid, available):
    order = wants(LAMP=2)
    if is_paid:
        pay(order)
    services.stop_orders(order_ids=[order])
    assert (state(order), published(order)[-1]) == ("released", "InventoryReleased")
    happens("received", "LAMP", 5)
    assert (state(order), available("LAMP")) == ("released", 6)


def test_an_order_that_an_operator_ended_waits_no_longer(lamp, wants, state):
    order = wants(LAMP=2)
    pay(order)
    services.release_settled(order_ids=[order])
    assert state(order) == "released"


def test_serving_takes_few_statements(lamp, wants, django_assert_num_queries):
    orders = [wants(LAMP=2) for _ in range(5)]
    pay(*orders)
    services.book(bookings=[Booking(kind="received", sku="LAMP", quantity=50, reason="so")])
    # Savepoint and its release; who can be served; orders; products; all writes at once.
    with transaction.atomic(), django_assert_num_queries(6):
        assert len(services.serve_waiting_orders()) == 5


def test_goods_of_an_unknown_order_serve_nobody(lamp):
    happens("received", "LAMP", 1)
    services.stop_orders(order_ids=[uuid7()])
    assert services.serve_waiting_orders() == []
