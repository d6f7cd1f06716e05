"""Columns of shipments: each is set once or changeable, and a changeable one is stored."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.utils import timezone

from shipping import repository
from shipping.carrier import Label, LabelStatus
from shipping.models import Shipment, shipping_key
from shop.ids import uuid7

pytestmark = pytest.mark.django_db

OUTCOMES: list[Callable[[Shipment], None]] = [
    lambda shipment: shipment.ship(Label(LabelStatus.BOOKED, "SimPost", "SP1042")),
    lambda shipment: shipment.fail(Label(LabelStatus.REFUSED, code="failure", message="Address not served")),
]


@pytest.fixture
def shipment() -> Shipment:
    """Return a shipment whose booking has started."""
    order_id = uuid7()
    return Shipment.objects.create(
        order_id=order_id,
        order_number="ORD-1042",
        idempotency_key=shipping_key(order_id),
        name="Ada Lovelace",
        street="12 St James's Sq",
        city="London",
        postal_code="SW1Y",
        country="GB",
        state="booking",
    )


def values(shipment: Shipment, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: getattr(shipment, name) for name in names}


def test_every_column_is_set_once_or_changeable():
    columns = {field.name for field in Shipment._meta.concrete_fields}
    once, changeable = set(Shipment.SET_ONCE), set(Shipment.CHANGEABLE)
    assert once | changeable | {"updated_at"} == columns, "name the new column in SET_ONCE or CHANGEABLE"
    assert not once & changeable


CHANGED: dict[str, Any] = {
    "state": "delivered",
    "carrier": "SimPost",
    "tracking_number": "SP1042",
    "tracking_status": "delivered",
    "failure_code": "failure",
    "failure_message": "Address not served",
    "shipped_at": datetime(2025, 1, 1, 12, tzinfo=UTC),
    "stop_reason": "customer",
    "hold": "on_hold",
    "delivered_at": datetime(2025, 1, 2, 12, tzinfo=UTC),
}


def test_every_changeable_column_is_stored(shipment):
    assert set(CHANGED) == set(Shipment.CHANGEABLE), "name the new column in CHANGED"
    for name, value in CHANGED.items():
        setattr(shipment, name, value)
    repository.store([shipment])
    stored = Shipment.objects.get()
    assert values(stored, Shipment.CHANGEABLE) == CHANGED
    assert stored.updated_at > stored.created_at


@pytest.mark.parametrize("settle", OUTCOMES, ids=["shipped", "failed"])
def test_every_column_of_an_outcome_is_stored(shipment, settle):
    settle(shipment)
    assert repository.store_outcomes([shipment]) == [shipment]
    assert values(Shipment.objects.get(), Shipment.CHANGEABLE) == values(shipment, Shipment.CHANGEABLE)


def test_what_is_set_once_is_never_stored_again(shipment):
    before = values(shipment, Shipment.SET_ONCE)
    shipment.order_id, shipment.order_number, shipment.idempotency_key = uuid7(), "ORD-1", "ship:1"
    shipment.name, shipment.street, shipment.city = "Eve", "1 Road", "Paris"
    shipment.postal_code, shipment.country, shipment.created_at = "75001", "FR", timezone.now()
    repository.store([shipment])
    repository.store_outcomes([shipment])
    assert values(Shipment.objects.get(), Shipment.SET_ONCE) == before
