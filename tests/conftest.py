"""Servers and deployments for tests that need real ones; ``script/test`` tells where they are."""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.db import connection
from pytest_django import DjangoDbBlocker

from dev.errors import NoRabbitMQ
from dev.servers.infrastructure import private_rabbitmq
from dev.servers.rabbitmq import RabbitMQ
from shop.messaging.consuming import circuit_breaker
from tests.support.deployment import Deployment, prepare_database
from tests.support.servers import (
    Broker,
    EmbeddedBroker,
    RabbitBroker,
    fresh_database,
    in_ci,
    name_of,
)


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep together, where tests run in several processes, what shares a deployment or a broker."""
    for item in items:
        shares_broker = "contracts" in item.path.parts
        item.add_marker(pytest.mark.xdist_group("contracts" if shares_broker else str(item.path)))


def pytest_collection_finish(session: pytest.Session) -> None:
    """Refuse to run where xdist does not keep them together: tests would take each other's messages."""
    if session.config.getoption("loadgroup", False) and any("@" not in item.nodeid for item in session.items):
        raise pytest.UsageError("pytest-xdist has not grouped the tests: is it too old for this pytest?")


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    """Let the log be emptied by TRUNCATE between tests; one test holds that it is refused otherwise."""
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE messaging_eventrecord DISABLE TRIGGER event_no_truncate")


@pytest.fixture(autouse=True)
def _nobody_is_paused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each test begin in a process that has just seen that no consumer is paused."""
    circuit_breaker.local_state.reset()
    monkeypatch.setattr(circuit_breaker.local_state, "read_at", time.monotonic())
    monkeypatch.setattr(circuit_breaker, "CACHE_SECONDS", 3600.0)


def _given(variable: str) -> str:
    if not (url := os.environ.get(variable)):
        pytest.skip(f"{variable} is not set; script/test sets it")
    return url


@pytest.fixture(scope="session")
def amqp_url() -> str:
    """A RabbitMQ that all tests share; it is not to be stopped."""
    return _given("AMQP_URL")


@pytest.fixture(scope="session")
def pgmq_url() -> str:
    """A pgmq database that all tests share."""
    return _given("PGMQ_URL")


@pytest.fixture(scope="session")
def server_url() -> str:
    """A PostgreSQL on which tests may create databases."""
    return _given("DATABASE_URL")


@pytest.fixture(scope="session")
def rabbitmq_node() -> Iterator[RabbitMQ]:
    """A RabbitMQ node that tests may stop and kill."""
    node = private_rabbitmq(f"test-faults{os.environ.get('PYTEST_XDIST_WORKER', '')}")
    try:
        node.erase()
        node.start()
    except NoRabbitMQ as reason:
        (pytest.fail if in_ci() else pytest.skip)(str(reason))
    yield node
    node.kill()


@pytest.fixture(scope="session")
def prepared(
    server_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, dict[str, str]]]:
    """The name of a database to copy, with tables and a catalogue, and its customers' API tokens."""
    with fresh_database(server_url) as url:
        yield name_of(url), prepare_database(url, tmp_path_factory.mktemp("prepared"))


@pytest.fixture(params=["rabbitmq", "embedded"])
def broker(request: pytest.FixtureRequest, server_url: str) -> Iterator[Broker]:
    """A broker of the test's own: the test runs on RabbitMQ and on the embedded one."""
    if request.param == "embedded":
        with fresh_database(server_url) as url:
            yield EmbeddedBroker(url)
        return
    broker = RabbitBroker(request.getfixturevalue("rabbitmq_node"))
    yield broker
    broker.start()  # for the next test, whatever this one did to it


@pytest.fixture
def rabbit_broker(rabbitmq_node: RabbitMQ) -> Iterator[RabbitBroker]:
    """A RabbitMQ of the test's own, to be stopped and killed."""
    broker = RabbitBroker(rabbitmq_node)
    yield broker
    broker.start()


@pytest.fixture
def deploy(
    server_url: str, prepared: tuple[str, dict[str, str]], tmp_path: Path
) -> Iterator[Callable[..., Deployment]]:
    """Make a deployment on a broker: ``with deploy(broker) as shop: ...``; further arguments are its own."""
    template, tokens = prepared
    with fresh_database(server_url, template=template) as url:

        def make(broker: Broker, **options: object) -> Deployment:
            return Deployment(database_url=url, broker=broker, tokens=tokens, home=tmp_path, **options)  # type: ignore[arg-type]

        yield make
