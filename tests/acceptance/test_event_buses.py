"""Event buses beside Celery's broker: a context's events wait for its workers.

Service Bus is a stand-in: client and AMQP 1.0 are real, the semantics ours.
"""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from azure.servicebus import ServiceBusClient

from shop.settings import CONTEXTS
from tests.support.deployment import RELAY, Deployment
from tests.support.servers import EmbeddedBroker, fresh_database
from tests.support.servicebus import service_bus

ORDERS = 200
OTHERS = [app for app in CONTEXTS if app != "inventory"]


@pytest.fixture
def bus_url(tmp_path) -> Iterator[str]:
    with service_bus(tmp_path / "servicebus", preferred_port=32672) as url:
        yield url


@pytest.fixture
def shop(bus_url, server_url, prepared, tmp_path) -> Iterator[Deployment]:
    """Deployment with a worker for inventory, and one for the other apps."""
    template, tokens = prepared
    with fresh_database(server_url) as broker_url, fresh_database(server_url, template=template) as url:
        workers = {RELAY: [RELAY], "inventory": ["inventory"], "others": OTHERS}
        with Deployment(
            database_url=url,
            broker=EmbeddedBroker(broker_url),
            tokens=tokens,
            home=tmp_path,
            workers=workers,
            arguments={"others": ["-c", "2"]},
            SHOP_EVENT_BUS=bus_url,
            SHOP_ORDERS_A_MINUTE="0",
            SHOP_REQUESTS_A_MINUTE="0",
        ) as shop:
            yield shop


def place(shop: Deployment, count: int) -> list[UUID]:
    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(lambda _: shop.place_order(), range(count)))


def waiting_events(bus_url: str, app: str) -> list[str]:
    """Return the types of the events that wait in an app's subscription."""
    with (
        ServiceBusClient.from_connection_string(bus_url) as client,
        client.get_subscription_receiver("shop.events", app, prefetch_count=1, keep_alive=0) as receiver,
    ):
        bodies = [json.loads(b"".join(message.body)) for message in receiver.peek_messages(1000)]
    return [event["type"] for body in bodies for event in (body if isinstance(body, list) else [body])]


def has_deducted(shop: Deployment, worker: str) -> bool:
    log = (shop.home / "log" / f"{worker}.log").read_text().splitlines()
    return any("when_payment_processed_deduct_stock" in line and "succeeded" in line for line in log)


@pytest.mark.timeout(240)
def test_events_of_inventory_wait_while_its_workers_are_away(shop, bus_url):
    shop.stop_workers("inventory")
    orders = place(shop, ORDERS)
    shop.wait_for_status(orders, "paid")
    shop.wait_until(
        lambda: waiting_events(bus_url, "inventory").count("payments.PaymentProcessed.v1") == ORDERS,
        what="all payments wait for inventory",
    )

    for name in ("inventory-1", "inventory-2"):
        shop.start_worker(name, ["inventory"], "-l", "INFO")

    def both_have_deducted() -> bool:
        # Whoever connects first may take all that waits: further orders may be needed.
        if all(has_deducted(shop, name) for name in ("inventory-1", "inventory-2")):
            return True
        orders.extend(place(shop, 10))
        return False

    shop.wait_until(both_have_deducted, what="two workers of inventory share its work")
    shop.wait_for_status(orders, "delivered")
    shop.audit()
