"""Customers race, providers do not answer, strangers send rubbish: each order ends right, and once."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

from kombu import Connection, Producer

from shop.messaging.transports import transport_settings
from tests.faults.damage import charges, dead_letters
from tests.support.deployment import Deployment

CUSTOMERS = 50
POISON = {
    "bad JSON": b'{"specversion": "1.0", broken',
    "unknown type": b'{"specversion": "1.0", "id": "1", "source": "/x", "type": "payments.CardStolen.v1"}',
    "schema violation": b'{"specversion": "1.0", "id": "0199b1d0-0000-7000-8000-000000000001",'
    b' "source": "/x", "type": "orders.OrderCreated.v1",'
    b' "time": "2026-12-24T12:00:00Z", "data": {"order_id": "none"}}',
}
POISONED = ("payments", "inventory", "shipping")


def test_of_many_customers_racing_for_the_last_unit_one_gets_it_and_the_others_their_money(
    shop: Deployment,
) -> None:
    start = threading.Barrier(CUSTOMERS)

    def order(number: int) -> Any:
        start.wait()
        return shop.place_order(("LAST-ONE", 1), customer="ada" if number % 2 else "grace")

    with ThreadPoolExecutor(CUSTOMERS) as pool:
        orders = list(pool.map(order, range(CUSTOMERS)))
    shop.wait_for_status(orders, "delivered", "cancelled")
    shop.audit()

    assert Counter(shop.statuses(orders).values()) == {"delivered": 1, "cancelled": CUSTOMERS - 1}
    assert shop.rows("select available from inventory_product where sku = 'LAST-ONE'") == [(0,)]
    reasons = shop.rows("select distinct cancel_reason from orders_order where status = 'cancelled'")
    assert reasons == [("out_of_stock",)]


def test_a_gateway_that_charges_and_does_not_answer_charges_once(shop: Deployment) -> None:
    shop.break_gateway("timeout", "charge", calls=5)
    shop.break_gateway("timeout", "find_charge", calls=3)  # it is not even known whether it did
    shop.break_gateway("timeout", "refund", calls=2)
    orders = [shop.place_order() for _ in range(6)]
    orders += [shop.place_order(payment_method="pm_card_timeoutAfterCharge") for _ in range(4)]
    refused = [shop.place_order(("SOLD-OUT", 1)) for _ in range(3)]

    shop.wait_for_status(orders, "delivered")
    shop.wait_for_status(refused, "cancelled")
    shop.audit()
    assert charges(shop, orders + refused) == len(orders + refused)


def test_a_carrier_that_books_and_does_not_answer_books_once(shop: Deployment) -> None:
    shop.break_carrier("timeout", "find_booking", calls=1)
    orders = [shop.place_order(street="EZ_TIMEOUT Street") for _ in range(4)]

    shop.wait_for_status(orders, "delivered")
    shop.audit()
    keys = [f"ship:{order_id}" for order_id in orders]
    assert shop.rows("select count(*) from shipping_simulatedlabel where key = any(%s)", keys) == [(4,)]


def test_poison_ends_as_dead_letters_while_orders_flow(shop: Deployment) -> None:
    orders = [shop.place_order() for _ in range(3)]
    for body in POISON.values():
        send_raw(shop, body)
    orders += [shop.place_order() for _ in range(3)]

    shop.wait_for_status(orders, "delivered")
    shop.wait_until(lambda: len(dead_letters(shop)) == len(POISON) * len(POISONED), what="dead letters")
    shop.audit()
    assert {cause for _, _, cause, _ in dead_letters(shop)} == {"unreadable"}
    for reason in ("the body is no JSON", "does not consume", "does not fit the schema"):
        assert sum(reason in error for _, _, _, error in dead_letters(shop)) == len(POISONED)


def send_raw(shop: Deployment, body: bytes) -> None:
    """Put a message into the queues as any program could."""
    options = transport_settings(shop.broker.url)["CELERY_BROKER_TRANSPORT_OPTIONS"]
    with (
        Connection(shop.broker.url, transport_options=options) as connection,
        connection.channel() as channel,
    ):
        for app in POISONED:
            Producer(channel).publish(
                body.decode(),
                exchange="",
                routing_key=f"{app}.events",
                content_type="application/cloudevents+json",
                content_encoding="utf-8",
                message_id=str(uuid4()),
            )
