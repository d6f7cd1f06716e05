"""Fixtures: events that shipping consumes, and the names of those that it publishes."""

import json
from collections.abc import Callable
from uuid import UUID

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractUser
from django.db import transaction

import shipping.consumers
from inventory.events import InventoryUpdated, StockLine
from orders.events import Address, OrderCancellationRequested, OrderCreated, OrderedLine
from shop.ids import uuid7
from shop.messaging.consuming import consumer_of, runner
from shop.messaging.contracts import Event, Money
from shop.messaging.models import EventRecord, ScheduledMessage
from shop.messaging.publishing import publish
from tests.support.inprocess import deliver
from tests.support.sealed import sealed_event

assert shipping.consumers  # registered


@pytest.fixture
def admin_user(db: None) -> AbstractUser:
    """Return an operator without a password: hashing one takes longer than any test here."""
    return get_user_model().objects.create(username="grace.hopper", is_staff=True, is_superuser=True)


@pytest.fixture
def order() -> Callable[..., OrderCreated]:
    """Return a factory of Ada's orders of a teapot, sent to a given street."""

    def make(street: str = "12 St James's Sq") -> OrderCreated:
        price = Money(amount="24.95", currency="EUR")
        return sealed_event(
            OrderCreated,
            order_id=uuid7(),
            number="ORD-1042",
            customer_id=7,
            customer_name="Ada Lovelace",
            customer_email="ada@example.com",
            lines=(OrderedLine(sku="TEAPOT", name="Teapot", quantity=1, unit_price=price),),
            total=price,
            payment_method="pm_card_visa",
            ship_to=Address(
                name="Ada Lovelace", street=street, city="London", postal_code="SW1Y", country="GB"
            ),
        )

    return make


@pytest.fixture
def happened() -> Callable[[Event], Event]:
    """Return a function that publishes an event and delivers it to shipping."""

    def publish_and_deliver(event: Event) -> Event:
        with transaction.atomic():
            event = publish(event)
        deliver(event, app="shipping")
        return event

    return publish_and_deliver


@pytest.fixture
def said() -> Callable[[UUID], list[str]]:
    """Return a function that lists the events which shipping has published about an order."""

    def names(order_id: UUID) -> list[str]:
        records = EventRecord.objects.filter(aggregate_id=order_id, type__startswith="shipping.")
        return [record.type.split(".")[1] for record in records.order_by("position")]

    return names


@pytest.fixture
def remind() -> Callable[[], int]:
    """Return a function that delivers the reminders of shipping, and returns their number."""
    return lambda: _deliver_scheduled(ScheduledMessage.Kind.REMINDER)


@pytest.fixture
def retry() -> Callable[[], int]:
    """Return a function that delivers failed and deferred events of shipping, and returns their number."""
    return lambda: sum(
        _deliver_scheduled(kind) for kind in (ScheduledMessage.Kind.RETRY, ScheduledMessage.Kind.DEFERRED)
    )


def _deliver_scheduled(kind: str) -> int:
    scheduled = list(ScheduledMessage.objects.filter(app="shipping", kind=kind))
    for message in scheduled:
        message.delete()
        consumer = consumer_of("shipping", message.type)
        assert consumer
        runner.run(consumer, [json.loads(message.body)], [{"x-attempts": message.attempts}])
    return len(scheduled)


@pytest.fixture
def in_stock() -> Callable[[UUID], InventoryUpdated]:
    return lambda order_id: InventoryUpdated(order_id=order_id, lines=(StockLine(sku="TEAPOT", quantity=1),))


@pytest.fixture
def cancelled() -> Callable[..., OrderCancellationRequested]:
    return lambda order_id, reason="customer": OrderCancellationRequested(order_id=order_id, reason=reason)


@pytest.fixture
def shipped(order, happened, in_stock) -> Callable[..., OrderCreated]:
    """Return a function that places an order and books its parcel."""

    def place_and_book(street: str = "12 St James's Sq") -> OrderCreated:
        created = happened(order(street))
        happened(in_stock(created.order_id))
        return created

    return place_and_book
