"""Outages of RabbitMQ and PostgreSQL under load: orders are accepted and no attempt is burned."""

import re
from collections.abc import Callable

import psycopg
import pytest

from dev.load.api import ApiError
from tests.faults.damage import all_orders, burned_attempts, dead_letters, watch_attempts
from tests.faults.load import Customers
from tests.support.deployment import APPS, RELAY, Deployment
from tests.support.servers import Broker, RabbitBroker, name_of

#: Seconds of RabbitMQ's outage.
OUTAGE = 20
_TERMINATE = "select pg_terminate_backend(pid) from pg_stat_activity where datname = any(%s)"


def expect_all_done_and_nothing_burned(shop: Deployment) -> None:
    shop.wait_for_status(all_orders(shop), "delivered")
    shop.audit()
    assert burned_attempts(shop) == []
    assert dead_letters(shop) == []


def expect_the_probe_to_blame_the_broker_alone(shop: Deployment) -> None:
    """To restart what waits for its broker would mend nothing, so its heartbeats go on."""
    for name in (RELAY, APPS):
        done = shop.probe(name, "--max-age", str(OUTAGE / 2))
        assert done.returncode == 1
        assert re.fullmatch(r"The broker does not answer \(\w+\): .*", done.stderr.strip())


@pytest.mark.timeout(180)
def test_orders_are_accepted_while_rabbitmq_is_stopped_and_done_afterwards(
    deploy: Callable[..., Deployment], rabbit_broker: RabbitBroker
) -> None:
    with deploy(rabbit_broker) as shop:
        watch_attempts(shop)
        with Customers(shop, pause=0.5) as customers:
            shop.wait_until(lambda: customers.have_placed(3))
            rabbit_broker.stop()
            before = len(customers.accepted)
            shop.supervisor.sleep(OUTAGE)
            placed_meanwhile = customers.accepted[before:]
            expect_the_probe_to_blame_the_broker_alone(shop)
            rabbit_broker.start()
            shop.wait_until(lambda: customers.have_placed(before + len(placed_meanwhile) + 3))

        assert customers.refusals == []
        assert len(placed_meanwhile) >= OUTAGE
        expect_all_done_and_nothing_burned(shop)


@pytest.mark.timeout(180)
def test_nothing_is_lost_when_rabbitmq_is_killed_under_load(
    deploy: Callable[..., Deployment], rabbit_broker: RabbitBroker
) -> None:
    with deploy(rabbit_broker) as shop:
        watch_attempts(shop)
        with Customers(shop, pause=0.1) as customers:
            # A queue that was declared just before a crash may stay without a leader.
            shop.wait_until(lambda: set(shop.statuses(customers.accepted[:10]).values()) == {"delivered"})
            rabbit_broker.kill()
            seen = len(customers.accepted)
            shop.wait_until(lambda: customers.have_placed(seen + 5))
            rabbit_broker.start()
            shop.wait_until(lambda: customers.have_placed(seen + 10))

        assert customers.refusals == []
        expect_all_done_and_nothing_burned(shop)


@pytest.mark.timeout(180)
def test_nothing_is_lost_when_postgresql_ends_all_sessions_under_load(
    deploy: Callable[..., Deployment], broker: Broker, server_url: str
) -> None:
    with deploy(broker) as shop:
        watch_attempts(shop)
        with Customers(shop, pause=0.1) as customers:
            for count in (5, 12, 19):
                shop.wait_until(lambda count=count: customers.have_placed(count))
                terminate_sessions(server_url, shop)

        assert all(isinstance(error, ApiError) and error.status >= 500 for error in customers.refusals)
        assert set(customers.accepted) <= set(all_orders(shop))
        expect_all_done_and_nothing_burned(shop)


@pytest.mark.timeout(180)
def test_nothing_is_lost_when_postgresql_is_read_only_for_a_while_under_load(
    deploy: Callable[..., Deployment], rabbit_broker: RabbitBroker, server_url: str
) -> None:
    with deploy(rabbit_broker) as shop:
        watch_attempts(shop)
        with Customers(shop, pause=0.1) as customers:
            shop.wait_until(lambda: customers.have_placed(5))
            switch_read_only(server_url, shop, "on")
            terminate_sessions(server_url, shop)
            shop.wait_until(lambda: len(customers.refusals) > 5)
            switch_read_only(server_url, shop, "off")
            seen = len(customers.accepted)
            shop.wait_until(lambda: customers.have_placed(seen + 5))

        assert all(isinstance(error, ApiError) and error.status >= 500 for error in customers.refusals)
        expect_all_done_and_nothing_burned(shop)


def switch_read_only(server_url: str, shop: Deployment, state: str) -> None:
    """Have new sessions on the shop's database refuse writes, or take them again."""
    with psycopg.connect(server_url, autocommit=True) as session:
        session.execute(
            f"alter database {name_of(shop.database_url)} set default_transaction_read_only = {state}"
        )


def terminate_sessions(server_url: str, shop: Deployment) -> None:
    """End all sessions on the shop's databases, the embedded broker's included."""
    names = [name_of(shop.database_url), name_of(shop.broker.url)]
    with psycopg.connect(server_url, autocommit=True) as session:
        session.execute(_TERMINATE, [names])
