"""The shop on Kafka: a context's events wait for its workers, who then share the work."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest

from shop.messaging.bus.kafka.records import type_of
from shop.settings import CONTEXTS
from tests.contracts.kafka_members import read_all
from tests.support.deployment import RELAY, Deployment
from tests.support.servers import EmbeddedBroker, fresh_database, unique_name

ORDERS = 200
OTHERS = [app for app in CONTEXTS if app != "inventory"]
#: They keep their names: Tansu keeps a static member's partitions for it.
PAIR = ("inventory-1", "inventory-2")


@pytest.fixture
def bus() -> str:
    """Name of the shop on the broker: the prefix of its topics."""
    return unique_name()


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
            SHOP_EVENT_BUS=os.environ["TANSU_URL"] + bus,
            SHOP_ORDERS_A_MINUTE="0",
            SHOP_REQUESTS_A_MINUTE="0",
        ) as shop:
            yield shop


def place(shop: Deployment, count: int) -> list[UUID]:
    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(lambda _: shop.place_order(), range(count)))


def published(bus: str, type: str) -> int:
    """Return how many events of a type the broker has."""
    records = read_all(os.environ["TANSU_URL"] + bus, f"{bus}.shop.events", 2 * ORDERS)
    return sum(type_of(record.value()) == type for record in records)


def has_deducted(shop: Deployment, worker: str) -> bool:
    log = (shop.home / "log" / f"{worker}.log").read_text().splitlines()
    return any("when_payment_processed_deduct_stock" in line and "succeeded" in line for line in log)


@pytest.mark.timeout(240)
def test_events_of_inventory_wait_on_kafka_and_two_workers_share_them(shop, bus):
    shop.stop_workers(*PAIR)
    orders = place(shop, ORDERS)
    shop.wait_for_status(orders, "paid")
    assert published(bus, "payments.PaymentProcessed.v1") == ORDERS

    shop.start_workers(*PAIR)
    shop.wait_for_status(orders, "delivered", within=120)
    assert [has_deducted(shop, name) for name in PAIR] == [True, True]
    shop.audit()
