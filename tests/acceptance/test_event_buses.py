"""Event buses beside Celery's broker: a context's events wait for its workers, who then share them.

Kafka is Tansu. Service Bus is a stand-in: client and AMQP 1.0 are real, the semantics ours.
"""

import json
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import UUID

import pytest
from azure.servicebus import ServiceBusClient

from payments.events import PaymentProcessed
from shop.messaging.bus.kafka.records import type_of
from shop.settings import CONTEXTS
from tests.contracts.kafka_members import read_all
from tests.faults.seeds import LONG
from tests.support.deployment import RELAY, Deployment
from tests.support.servers import EmbeddedBroker, fresh_database, unique_name
from tests.support.servicebus import service_bus

#: More than a worker prefetches; ``script/test --long`` has a queue of twice as many.
ORDERS = 200 if LONG else 120
OTHERS = [app for app in CONTEXTS if app != "inventory"]
#: They keep their names: Tansu keeps a static member's partitions for it.
PAIR = ("inventory-1", "inventory-2")

#: URL of a bus, and the types of the events that it has for inventory.
Bus = tuple[str, Callable[[], list[str | None]]]


def kafka() -> Bus:
    name = unique_name()  # the prefix of the shop's topics
    url = os.environ["TANSU_URL"] + name
    return url, lambda: [type_of(one.value()) for one in read_all(url, f"{name}.shop.events", 2 * ORDERS)]


def waiting_in_subscription(url: str) -> list[str | None]:
    with (
        ServiceBusClient.from_connection_string(url) as client,
        client.get_subscription_receiver(
            "shop.events", "inventory", prefetch_count=1, keep_alive=0
        ) as receiver,
    ):
        bodies = [json.loads(b"".join(message.body)) for message in receiver.peek_messages(1000)]
    return [event["type"] for body in bodies for event in (body if isinstance(body, list) else [body])]


@pytest.fixture(params=["kafka", "servicebus"])
def bus(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bus]:
    if request.param == "kafka":
        yield kafka()
        return
    with service_bus(tmp_path / "servicebus", preferred_port=32672) as url:
        yield url, lambda: waiting_in_subscription(url)


@pytest.fixture
def shop(bus, server_url, prepared, tmp_path) -> Iterator[Deployment]:
    """Deployment with two workers for inventory, and one for the other apps."""
    template, tokens = prepared
    with fresh_database(server_url) as broker_url, fresh_database(server_url, template=template) as url:
        workers = {RELAY: [RELAY], "others": OTHERS, **{name: ["inventory"] for name in PAIR}}
        with Deployment(
            database_url=url,
            broker=EmbeddedBroker(broker_url),
            tokens=tokens,
            home=tmp_path,
            workers=workers,
            arguments={"others": ["-c", "2"], **{name: ["-l", "INFO"] for name in PAIR}},
            SHOP_EVENT_BUS=bus[0],
            SHOP_ORDERS_A_MINUTE="0",
            SHOP_REQUESTS_A_MINUTE="0",
        ) as shop:
            yield shop
            shop.print_logs()


def place(shop: Deployment, count: int) -> list[UUID]:
    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(lambda _: shop.place_order(), range(count)))


def has_deducted(shop: Deployment, worker: str) -> bool:
    log = shop.log(worker).splitlines()
    return any("when_payment_processed_deduct_stock" in line and "succeeded" in line for line in log)


@pytest.mark.timeout(400)
def test_events_of_inventory_wait_while_its_workers_are_away(shop, bus):
    shop.stop_workers(*PAIR)
    orders = place(shop, ORDERS)
    shop.wait_for_status(orders, "paid")
    shop.wait_until(
        lambda: bus[1]().count(PaymentProcessed.type) == ORDERS, what="all payments wait for inventory"
    )
    assert not any(has_deducted(shop, name) for name in PAIR)

    shop.start_workers(*PAIR)

    def both_have_deducted() -> bool:
        # Whoever connects first may take all that waits: further orders may be needed.
        if all(has_deducted(shop, name) for name in PAIR):
            return True
        orders.extend(place(shop, 10))
        return False

    shop.wait_until(both_have_deducted, what="two workers of inventory share its work")
    shop.wait_for_status(orders, "delivered", within=240)
    shop.audit()
