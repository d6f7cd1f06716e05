"""Columns of orders and products: each is set once or changeable, and a changeable one is stored."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.db.models import Model
from django.utils import timezone

from inventory import repository, services
from inventory.models import OrderStock, Product
from inventory.shelf import Shelf
from shop.ids import uuid7
from shop.messaging.publishing import unit_of_work

pytestmark = pytest.mark.django_db


@pytest.fixture
def order(wants: Callable[..., UUID]) -> OrderStock:
    return OrderStock.objects.get(pk=wants(TEAPOT=2))


def values(row: Model, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: row.value_of(name) if isinstance(row, Product) else getattr(row, name) for name in names}


@pytest.mark.parametrize(("model", "timestamps"), [(OrderStock, {"changed_at"}), (Product, set())])
def test_every_column_is_set_once_or_changeable(model, timestamps):
    columns = {field.name for field in model._meta.concrete_fields}
    once, changeable = set(model.SET_ONCE), set(model.CHANGEABLE)
    assert once | changeable | timestamps == columns, "name the new column in SET_ONCE or CHANGEABLE"
    assert not once & changeable


CHANGED_ORDER: dict[str, Any] = {
    "state": "rejected",
    "shortages": [{"sku": "TEAPOT", "requested": 2, "available": 1}],
}
CHANGED_OFFER: dict[str, Any] = {
    "name": "Blue teapot",
    "category": "tea",
    "price": Decimal("29.95"),
    "currency": "GBP",
    "description": "Glazed by hand.",
    "picture": "🫖",
    "active": False,
    "backorderable": True,
}
CHANGED_STOCK: dict[str, Any] = {"available": 2, "reserved": 1}


def test_every_changeable_column_of_an_order_is_stored(order):
    assert set(CHANGED_ORDER) == set(OrderStock.CHANGEABLE), "name the new column in CHANGED_ORDER"
    created_at = order.changed_at
    for name, value in CHANGED_ORDER.items():
        setattr(order, name, value)
    order.changed_at = timezone.now()
    with unit_of_work():
        repository.store([order], Shelf([]))
    stored = OrderStock.objects.get()
    assert values(stored, OrderStock.CHANGEABLE) == CHANGED_ORDER
    assert stored.changed_at > created_at


def test_a_change_of_state_moves_the_time_of_the_last_change(order):
    before = order.changed_at
    order.move_to("released")
    assert order.changed_at > before


def test_every_column_of_an_offer_is_stored(teapot):
    assert set(CHANGED_OFFER) == set(Product.OFFER), "name the new column in CHANGED_OFFER"
    services.add_category(slug="tea", name="Tea")
    services.add_product(sku="TEAPOT", **CHANGED_OFFER)
    assert values(Product.objects.get(), Product.OFFER) == CHANGED_OFFER


def test_every_column_of_the_stock_is_stored_by_orders(teapot, order):
    assert set(CHANGED_STOCK) == set(Product.STOCK), "name the new column in CHANGED_STOCK"
    with unit_of_work():
        shelf = repository.lock_shelf([order])
        shelf.take(order)
        for name, value in CHANGED_STOCK.items():
            setattr(shelf.changed[teapot.pk], name, value)
        repository.store([order], shelf)
    assert values(Product.objects.get(), Product.STOCK) == CHANGED_STOCK


def test_every_column_of_the_stock_is_stored_by_corrections(teapot):
    for name, value in CHANGED_STOCK.items():
        setattr(teapot, name, value)
    repository.store_stock(teapot)
    assert values(Product.objects.get(), Product.STOCK) == CHANGED_STOCK


def test_what_is_set_once_is_never_stored_again(teapot, order):
    before = values(teapot, Product.SET_ONCE), values(order, OrderStock.SET_ONCE)
    teapot.sku, teapot.initial_stock, teapot.created_at = "POT", 99, timezone.now()
    order.created_at = timezone.now()
    with unit_of_work():
        shelf = repository.lock_shelf([order])
        shelf.take(order)
        order.lines = []
        repository.store([order], shelf)
    repository.store_stock(teapot)
    repository.add_products([Product(sku="TEAPOT", name="Teapot", price=Decimal(1), initial_stock=99)])
    repository.add_new([OrderStock(order_id=order.order_id, created_at=timezone.now())])
    stored = Product.objects.get(), OrderStock.objects.get()
    assert (values(stored[0], Product.SET_ONCE), values(stored[1], OrderStock.SET_ONCE)) == before


def test_an_order_that_is_unknown_is_locked_without_lines():
    order_id = uuid7()
    with unit_of_work():
        (order,) = repository.lock_or_add([order_id])
    assert values(order, ("order_id", "state", "lines")) == {
        "order_id": order_id,
        "state": "remembered",
        "lines": [],
    }
