"""Fixtures: events that payments consumes, and the names of those that it publishes."""

import json
from collections.abc import Callable
from uuid import UUID

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractUser
from django.db import transaction

import payments.consumers
from inventory.events import InventoryRejected, Shortage
from orders.events import Address, CaptureRequested, OrderCreated, OrderedLine
from shipping.events import FulfilmentStopped, ShipmentFailed
from shop.ids import uuid7
from shop.messaging.consuming import consumer_of, runner
from shop.messaging.contracts import Event, Money
from shop.messaging.models import EventRecord, ScheduledMessage
from shop.messaging.publishing import publish
from tests.support.inprocess import deliver
from tests.support.sealed import sealed_event

assert payments.consumers  # registered


@pytest.fixture
def admin_user(db: None) -> AbstractUser:
    """Return an operator without a password: hashing one takes longer than any test here."""
    return get_user_model().objects.create(username="grace.hopper", is_staff=True, is_superuser=True)


@pytest.fixture
def order() -> Callable[..., OrderCreated]:
    """Return a factory of Ada's orders of two teapots, paid with a given token."""

    def make(payment_method: str = "pm_card_visa", amount: str = "49.90") -> OrderCreated:
        return sealed_event(
            OrderCreated,
            order_id=uuid7(),
            number="ORD-1042",
            customer_id=7,
            customer_name="Ada Lovelace",
            customer_email="ada@example.com",
            lines=(
                OrderedLine(
                    sku="TEAPOT", name="Teapot", quantity=2, unit_price=Money(amount="24.95", currency="EUR")
                ),
            ),
            total=Money(amount=amount, currency="EUR"),
            payment_method=payment_method,
            ship_to=Address(
                name="Ada Lovelace",
                street="12 St James's Sq",
                city="London",
                postal_code="SW1Y",
                country="GB",
            ),
        )

    return make


@pytest.fixture
def happened(settings) -> Callable[[Event], Event]:
    """Return a function that publishes an event and delivers it to payments.

    In a shop that takes money with the stock, orders asks for it.
    """

    def publish_and_deliver(event: Event) -> Event:
        with transaction.atomic():
            event = publish(event)
        deliver(event, app="payments")
        if isinstance(event, OrderCreated) and settings.SHOP_CAPTURE == "placed":
            publish_and_deliver(CaptureRequested(order_id=event.order_id))
        return event

    return publish_and_deliver


@pytest.fixture
def captures_at_once(settings) -> None:
    """Take the money of orders as soon as they have their stock."""
    settings.SHOP_CAPTURE = "placed"


@pytest.fixture
def said() -> Callable[[UUID], list[str]]:
    """Return a function that lists the events which payments has published about an order."""

    def names(order_id: UUID) -> list[str]:
        records = EventRecord.objects.filter(aggregate_id=order_id, type__startswith="payments.")
        return [record.type.split(".")[1] for record in records.order_by("position")]

    return names


@pytest.fixture
def remind() -> Callable[[], int]:
    """Return a function that delivers the reminders of payments, and returns their number."""
    return lambda: _deliver_scheduled(ScheduledMessage.Kind.REMINDER)


@pytest.fixture
def retry() -> Callable[[], int]:
    """Return a function that delivers the events which payments failed on, and returns their number."""
    return lambda: _deliver_scheduled(ScheduledMessage.Kind.RETRY)


def _deliver_scheduled(kind: str) -> int:
    scheduled = list(ScheduledMessage.objects.filter(app="payments", kind=kind))
    for message in scheduled:
        message.delete()
        consumer = consumer_of("payments", message.type)
        assert consumer
        runner.run(consumer, [json.loads(message.body)], [{"x-attempts": message.attempts}])
    return len(scheduled)


@pytest.fixture
def rejected() -> Callable[[UUID], InventoryRejected]:
    return lambda order_id: InventoryRejected(
        order_id=order_id, shortages=(Shortage(sku="TEAPOT", requested=2, available=1),)
    )


@pytest.fixture
def stopped() -> Callable[[UUID], FulfilmentStopped]:
    return lambda order_id: FulfilmentStopped(order_id=order_id, reason="customer")


@pytest.fixture
def not_taken() -> Callable[[UUID], ShipmentFailed]:
    return lambda order_id: sealed_event(
        ShipmentFailed, order_id=order_id, shipment_id=uuid7(), code="failure", message="Address not served"
    )
