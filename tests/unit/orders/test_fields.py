"""Every field of a request is fingerprinted, and every column of an order is set once or changeable."""

from dataclasses import dataclass, fields, replace
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from orders import repository
from orders.intake import OrderRequest
from orders.models import Order
from orders.states import Status
from shop.ids import uuid7
from tests.unit.orders.conftest import LONDON, TWO_TEAPOTS

OTHERWISE: dict[str, Any] = {
    "lines": [("TEAPOT", 3)],
    "ship_to": LONDON.model_copy(update={"street": "13 St James's Sq"}),
    "payment_method": "pm_card_mastercard",
    "retry_payment": True,
}


@pytest.mark.parametrize("name", [field.name for field in fields(OrderRequest)])
def test_every_field_of_a_request_is_fingerprinted(name):
    assert name in OTHERWISE, f"say in OTHERWISE how two requests differ in {name}"
    other = replace(TWO_TEAPOTS, **{name: OTHERWISE[name]})
    assert other.fingerprint != TWO_TEAPOTS.fingerprint


@pytest.mark.parametrize("part", list(type(LONDON).model_fields))
def test_every_part_of_an_address_is_fingerprinted(part):
    elsewhere = LONDON.model_copy(update={part: "XX"})
    assert replace(TWO_TEAPOTS, ship_to=elsewhere).fingerprint != TWO_TEAPOTS.fingerprint


def test_stored_fingerprints_stay_valid():
    assert TWO_TEAPOTS.fingerprint == "5ae520029091326177a917343e9851047dfbc72645316761fb86392cf9e2e9b2"


@dataclass(frozen=True)
class LaterRequest(OrderRequest):
    gift_note: str = ""


def test_a_field_that_is_added_changes_the_fingerprint_of_requests_that_use_it_alone():
    before = {field.name: getattr(TWO_TEAPOTS, field.name) for field in fields(OrderRequest)}
    assert LaterRequest(**before).fingerprint == TWO_TEAPOTS.fingerprint
    assert LaterRequest(**before, gift_note="Enjoy").fingerprint != TWO_TEAPOTS.fingerprint


def test_every_column_of_an_order_is_set_once_or_changeable():
    columns = {field.name for field in Order._meta.concrete_fields}
    once, changeable = set(Order.SET_ONCE), set(Order.CHANGEABLE)
    assert once | changeable | {"changed_at"} == columns, "name the new column in SET_ONCE or CHANGEABLE"
    assert not once & changeable


CHANGED: dict[str, Any] = {
    "status": Status.NEEDS_ATTENTION,
    "cancel_reason": "customer",
    "attention_reason": "books_differ",
    "attention_stage": "paid",
    "attention_note": "money: the books differ",
    "payment_undone": True,
    "stock_undone": True,
    "capture_failed": True,
    "capture_recovered": True,
    "payment_attempt": 2,
    "payment_needs": "requires_action",
    "open_disputes": -1,
}


def test_every_changeable_column_is_stored(order):
    assert set(CHANGED) == set(Order.CHANGEABLE), "say in CHANGED to what the new column changes"
    for name, value in CHANGED.items():
        setattr(order, name, value)
    repository.store([order])
    stored = Order.objects.get(pk=order.pk)
    assert {name: getattr(stored, name) for name in CHANGED} == CHANGED
    assert stored.changed_at > order.changed_at


def test_what_is_set_once_is_never_stored_again(order):
    was = {name: getattr(order, name) for name in Order.SET_ONCE}
    order.serial, order.total, order.ship_city, order.placed_at = 1, Decimal(1), "Paris", timezone.now()
    order.request_fingerprint = order.idempotency_key = uuid7().hex
    repository.store([order])
    stored = Order.objects.get(pk=order.pk)
    assert {name: getattr(stored, name) for name in Order.SET_ONCE} == was
