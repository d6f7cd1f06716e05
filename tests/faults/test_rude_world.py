"""Racing customers, failing providers and unreadable messages: each order ends correctly, once."""

import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from shop.messaging.consuming import circuit_breaker
from tests.faults.damage import attempts_of_each, charges, dead_letters, watch_attempts
from tests.faults.poison import POISON, send_raw
from tests.support.deployment import Deployment

CUSTOMERS = 50
POISONED = ("payments", "inventory", "shipping")


@pytest.fixture(autouse=True)
def _no_dead_letters_left(shop: Deployment) -> Iterator[None]:
    """Delete the dead letters of a test: others, on the same shop, allow none."""
    yield
    shop.execute("delete from messaging_deadletter")


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
    query = "select distinct cancel_reason from orders_order where status = 'cancelled' and id = any(%s)"
    assert shop.rows(query, orders) == [("out_of_stock",)]


def test_a_gateway_that_charges_and_does_not_answer_charges_once(shop: Deployment) -> None:
    shop.break_gateway("timeout", "authorise", calls=5)
    shop.break_gateway("timeout", "find", calls=3)  # it is not even known whether it did
    shop.break_gateway("timeout", "cancel", calls=2)
    shop.break_gateway("timeout", "capture", calls=4)
    orders = [shop.place_order() for _ in range(6)]
    orders += [shop.place_order(payment_method="pm_card_timeoutAfterCharge") for _ in range(4)]
    refused = [shop.place_order(street="EZ6000000006 Street") for _ in range(3)]

    shop.wait_for_status(orders, "delivered")
    shop.wait_for_status(refused, "cancelled")
    shop.audit()
    assert (charges(shop, orders), charges(shop, refused)) == (len(orders), 0)


def test_a_gateway_that_is_down_pauses_its_consumer_which_goes_on_by_itself(shop: Deployment) -> None:
    watch_attempts(shop)
    shop.break_gateway("outage")
    orders = [shop.place_order() for _ in range(24)]
    # Each of the two worker processes may try as many charges as open the circuit.
    tried = 2 * circuit_breaker.THRESHOLD
    held = "select count(*) from messaging_scheduledmessage where kind = 'held'"
    shop.wait_until(lambda: shop.rows(held)[0][0] >= len(orders) - tried, what="the others are held")
    _wait_for_probe(shop)  # and by then every process knows
    burned = attempts_of_each(shop)
    _wait_for_probe(shop)
    assert attempts_of_each(shop) == burned, "an outage costs no attempts once it is known"
    shop.mend_providers()

    shop.wait_for_status(orders, "delivered")
    shop.audit()
    assert not shop.rows("select from messaging_circuit")
    assert charges(shop, orders) == len(orders)


def _wait_for_probe(shop: Deployment) -> None:
    probes = "select probes from messaging_circuit"
    [(sent,)] = shop.rows(probes)
    shop.wait_until(lambda: shop.rows(probes)[0][0] > sent, what="a probe")


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
        send_raw(shop, body, to=POISONED)
    orders += [shop.place_order() for _ in range(3)]

    shop.wait_for_status(orders, "delivered")
    shop.wait_until(lambda: len(dead_letters(shop)) == len(POISON) * len(POISONED), what="dead letters")
    shop.audit()
    assert {cause for _, _, cause, _ in dead_letters(shop)} == {"unreadable", "forged"}
    for reason in ("the body is no JSON", "does not consume", "it carries no signature"):
        assert sum(reason in error for _, _, _, error in dead_letters(shop)) == len(POISONED)
