"""Fixtures: Ada, who orders teapots, and the events of orders about it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

import orders.consumers
from inventory import services as inventory
from orders import services
from orders.deadlines import overdue_since
from orders.events import Address
from orders.intake import OrderRequest
from orders.models import Order
from orders.states import DEADLINES
from shop.messaging.models import EventRecord, ScheduledMessage
from tests.unit.orders.rest import client_of

assert orders.consumers  # registered

LONDON = Address(
    name="Ada Lovelace", street="12 St James's Sq", city="London", postal_code="SW1Y 4JH", country="GB"
)
TWO_TEAPOTS = OrderRequest(lines=[("TEAPOT", 2)], ship_to=LONDON, payment_method="pm_card_visa")


@pytest.fixture
def ada(db) -> User:
    return User.objects.create_user("ada", "ada@example.com", first_name="Ada", last_name="Lovelace")


@pytest.fixture
def bob(db) -> User:
    return User.objects.create_user("bob", "bob@example.com")


@pytest.fixture
def olga(db) -> User:
    """An operator."""
    return User.objects.create_superuser("olga", "olga@example.com")


@pytest.fixture
def catalogue(db) -> None:
    inventory.add_product(sku="TEAPOT", name="Teapot", price=Decimal("24.95"), stock=100)
    inventory.add_product(sku="KETTLE", name="Copper kettle", price=Decimal("89.00"), stock=100)


@pytest.fixture
def place(catalogue, ada) -> Callable[..., Order]:
    """Place Ada's order of two teapots, or another."""

    def place_order(*, customer: User = ada, idempotency_key: str = "", **changes: Any) -> Order:
        request = replace(TWO_TEAPOTS, **changes)
        return services.place_order(customer=customer, request=request, idempotency_key=idempotency_key)

    return place_order


@pytest.fixture
def order(place) -> Order:
    return place()


@pytest.fixture
def said() -> Callable[[Order], list[str]]:
    """Names of the events that orders published about an order, in order, without its creation."""

    def names(order: Order) -> list[str]:
        records = EventRecord.objects.filter(aggregate_id=order.pk, type__startswith="orders.")
        return [r.type.split(".")[1] for r in records.order_by("position") if "OrderCreated" not in r.type]

    return names


@pytest.fixture
def waits_for() -> Callable[[Order], str | None]:
    """The step of the order that its timer is set for; None without a timer."""

    def step(order: Order) -> str | None:
        reminder = ScheduledMessage.objects.filter(aggregate_id=order.pk, kind="reminder").first()
        if reminder is None:
            return None
        stored = Order.objects.get(pk=order.pk)
        due = overdue_since(stored)
        assert due, "the reminder is for nothing"
        assert reminder.due_at <= due + timedelta(seconds=1), "it comes too late"
        return DEADLINES[stored.status][0]

    return step


@pytest.fixture
def miss_deadline() -> Callable[[Order], Order]:
    """Let days pass, and the timer fire."""

    def miss(order: Order) -> Order:
        Order.objects.filter(pk=order.pk).update(changed_at=timezone.now() - timedelta(days=60))
        return services.miss_deadline(order_id=order.pk)

    return miss


@pytest.fixture
def status() -> Callable[[Order | UUID], str]:
    return lambda order: Order.objects.get(pk=getattr(order, "pk", order)).status


@pytest.fixture
def as_ada(ada, catalogue):
    return client_of(ada)


@pytest.fixture
def as_bob(bob):
    return client_of(bob)


@pytest.fixture
def as_olga(olga):
    return client_of(olga)
