"""Concurrent transactions neither oversell nor deadlock, and every order gets an outcome."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from itertools import chain
from random import Random

import pytest
from django.db import connection

from inventory import queries, services
from inventory.models import OrderStock, Product
from shop.ids import uuid7
from shop.messaging.models import EventRecord

pytestmark = pytest.mark.django_db(transaction=True)


def race(*starts):
    """Run all functions at the same moment, each on its own thread and connection."""
    line = threading.Barrier(len(starts), timeout=30)

    def run(start):
        try:
            connection.ensure_connection()
            line.wait()
            return start()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(starts)) as threads:
        return [future.result(timeout=60) for future in [threads.submit(run, start) for start in starts]]


def reserve(order_id, *lines):
    return services.reserve_stock(lines={order_id: lines})


def reserved(*lines):
    order_id = uuid7()
    reserve(order_id, *lines)
    return order_id


def states():
    return Counter(OrderStock.objects.values_list("state", flat=True))


def test_one_of_fifty_customers_gets_the_last_unit():
    services.add_product(sku="VASE", name="Vase", price=Decimal("120.00"), stock=1)

    race(*(lambda: reserve(uuid7(), ("VASE", 1)) for _ in range(50)))

    assert states() == {"reserved": 1, "rejected": 49}
    vase = Product.objects.get()
    assert (vase.available, vase.reserved) == (0, 1)
    answers = Counter(EventRecord.objects.values_list("type", flat=True))
    assert answers == {"inventory.InventoryReserved.v1": 1, "inventory.InventoryRejected.v1": 49}


def test_batches_that_want_the_same_products_in_other_orders_do_not_deadlock():
    skus = [f"SKU-{n}" for n in range(8)]
    for sku in skus:
        services.add_product(sku=sku, name=sku, price=Decimal("1.00"), stock=30)
    dice = Random(7)
    batches = [
        {uuid7(): [(sku, dice.randint(1, 3)) for sku in dice.sample(skus, 4)] for _ in range(5)}
        for _ in range(8)
    ]

    race(*(lambda batch=batch: services.reserve_stock(lines=batch) for batch in batches))
    assert sum(states().values()) == states()["reserved"] + states()["rejected"] == 40
    assert states()["rejected"]

    race(*(lambda batch=batch: services.deduct_stock(order_ids=list(batch)) for batch in batches))
    assert not states()["reserved"]
    assert all(facts.expected == facts.available >= 0 == facts.reserved for facts in queries.stock_facts())


def test_deduction_and_stop_at_the_same_moment_end_with_the_goods_in_the_stock():
    services.add_product(sku="VASE", name="Vase", price=Decimal("120.00"), stock=20)
    orders = [reserved(("VASE", 1)) for _ in range(10)]

    race(
        *chain.from_iterable(
            (
                lambda order=order: services.deduct_stock(order_ids=[order]),
                lambda order=order: services.stop_orders(order_ids=[order]),
            )
            for order in orders
        )
    )

    assert set(states()) <= {"restocked", "released"}
    assert Product.objects.get().available == 20


def test_creation_and_stop_at_the_same_moment_leave_a_stopped_order():
    orders = [uuid7() for _ in range(10)]
    race(
        *chain.from_iterable(
            (
                lambda order=order: reserve(order, ("VASE", 1)),
                lambda order=order: services.stop_orders(order_ids=[order]),
            )
            for order in orders
        )
    )
    assert states() == {"released": 10}
