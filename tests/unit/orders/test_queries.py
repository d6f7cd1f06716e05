"""Queries of orders."""

from decimal import Decimal

import pytest

from orders import queries, services
from shop.ids import uuid7
from tests.support import outcomes
from tests.unit.orders.conftest import LONDON

pytestmark = pytest.mark.django_db


def test_an_order_in_full(place, ada):
    placed = place(lines=[("TEAPOT", 2), ("KETTLE", 1)])
    found = queries.order(placed.pk)
    assert (found.summary.number, found.summary.status_label, found.summary.is_cancellable) == (
        placed.number,
        "Placed",
        True,
    )
    assert [(line.sku, line.amount) for line in found.lines] == [
        ("TEAPOT", Decimal("49.90")),
        ("KETTLE", Decimal("89.00")),
    ]
    assert found.ship_to == LONDON


def test_an_order_is_only_its_customers(order, ada, bob):
    assert queries.order(order.pk, customer_id=ada.pk).summary.id == order.pk
    assert queries.order(order.pk, customer_id=bob.pk) is None
    assert queries.order(uuid7()) is None


def test_an_order_is_found_by_its_number(order):
    for number in (order.number, order.number.lower(), f" {order.serial} "):
        assert queries.order_by_number(number).id == order.pk
    for number in ("", "ORD-", "ORD-0", "1; DROP TABLE", "9" * 30):
        assert queries.order_by_number(number) is None


def test_an_order_is_found_by_the_key_it_was_placed_with(place, ada, bob):
    placed, _without_key = place(idempotency_key="basket-7"), place()
    assert queries.order_placed_with("basket-7", customer_ids=[ada.pk]).id == placed.pk
    assert queries.order_placed_with("basket-7", customer_ids=[bob.pk]) is None
    assert queries.order_placed_with("", customer_ids=[ada.pk]) is None


def test_an_orders_history_is_told_in_sentences(order):
    services.request_cancellation(order_id=order.pk, reason="customer")
    assert [(happening.event, happening.summary) for happening in queries.history(order.pk)] == [
        ("OrderCreated", "The order was placed"),
        ("OrderCancellationRequested", "The cancellation was requested"),
    ]


def test_the_latest_orders_come_page_by_page(place, bob):
    first, second, his = place(), place(), place(customer=bob)
    assert [o.id for o in queries.latest_orders(limit=2)] == [his.pk, second.pk]
    assert [o.id for o in queries.latest_orders(before=second.pk)] == [first.pk]
    assert [o.id for o in queries.latest_orders(customer_id=bob.pk)] == [his.pk]
    assert queries.latest_orders(status="paid") == []


def test_what_moves_and_what_is_held_up(place):
    moving, over, held_up = place(), place(), place()
    outcomes.record_deliveries(order_ids=[over.pk])
    outcomes.record_refund_failures(order_ids=[held_up.pk])
    counts = queries.moving_orders_by_status()
    assert (counts["placed"], counts["paid"], counts["needs_attention"]) == (1, 0, 1)
    assert "delivered" not in counts
    [found] = queries.orders_needing_attention()
    assert (found.id, found.reason, found.reason_label) == (
        held_up.pk,
        "refund_failed",
        "The money could not be given back",
    )
    assert queries.statuses([moving.pk, over.pk]) == {moving.pk: "placed", over.pk: "delivered"}


def test_the_audit_gets_every_order_in_chunks(place, django_assert_num_queries):
    orders = [place(lines=[("TEAPOT", 2), ("KETTLE", 1)]) for _ in range(5)]
    with django_assert_num_queries(1 + 3):
        found = list(queries.accepted_orders(chunk=2))
    assert [(o.id, o.number, o.total, o.lines) for o in found] == [
        (o.pk, o.number, Decimal("138.90"), {"TEAPOT": 2, "KETTLE": 1}) for o in orders
    ]
