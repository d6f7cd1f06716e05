"""Fixtures of inventory: products, orders, and the outcomes that inventory published."""

from collections.abc import Callable
from decimal import Decimal
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

import inventory.consumers
from inventory import queries, services
from inventory.models import OrderStock, Product
from shop.ids import uuid7
from shop.messaging.models import EventRecord
from tests.support.rights import staff_with

assert inventory.consumers  # registered


@pytest.fixture
def teapot(db) -> Product:
    return services.add_product(sku="TEAPOT", name="Teapot", price=Decimal("24.95"), stock=5)


@pytest.fixture
def kettle(db) -> Product:
    return services.add_product(sku="KETTLE", name="Copper kettle", price=Decimal("89.00"), stock=3)


@pytest.fixture
def wants() -> Callable[..., UUID]:
    """Return a function that reserves quantities by SKU for an order, and returns its id."""

    def remember(**lines: int) -> UUID:
        order_id = uuid7()
        services.reserve_stock(lines={order_id: lines.items()})
        return order_id

    return remember


@pytest.fixture
def published() -> Callable[[UUID], list[str]]:
    """Return a function that lists the names of the events about an order, oldest first."""

    def names(order_id: UUID) -> list[str]:
        records = EventRecord.objects.filter(aggregate_id=order_id).order_by("position")
        return [record.type.split(".")[1] for record in records]

    return names


@pytest.fixture
def state() -> Callable[[UUID], str]:
    return lambda order_id: OrderStock.objects.get(pk=order_id).state


@pytest.fixture
def available() -> Callable[[str], int]:
    return lambda sku: Product.objects.get(sku=sku).available


@pytest.fixture
def reserved() -> Callable[[str], int]:
    return lambda sku: Product.objects.get(sku=sku).reserved


@pytest.fixture
def balanced() -> Callable[[], bool]:
    """Return a function that compares every product's stock with its movements, orders and events."""
    return lambda: all(
        facts.expected == facts.by_events == facts.on_hand
        and facts.reserved == facts.reserved_for_orders == facts.reserved_by_events
        for facts in queries.stock_facts()
    )


@pytest.fixture
def anybody() -> APIClient:
    return APIClient()


@pytest.fixture
def ada() -> APIClient:
    client = APIClient()
    client.force_authenticate(User.objects.create_user("ada"))
    return client


@pytest.fixture
def olga() -> APIClient:
    client = APIClient()
    permissions = ("inventory.view_product", "inventory.view_stock", "inventory.adjust_stock")
    client.force_authenticate(staff_with(*permissions, username="olga"))
    return client
