"""Fixtures for servers and deployments. The servers of ``script/test`` are named by the environment."""

import os
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib import admin
from django.db import connection
from django.db.backends.signals import connection_created
from pytest_django import DjangoDbBlocker

from dev.errors import NoKafka, NoRabbitMQ
from dev.servers.infrastructure import private_kafka, private_rabbitmq
from dev.servers.kafka import Kafka
from dev.servers.rabbitmq import RabbitMQ
from shop.messaging.consuming import circuit_breaker, fence
from shop.privacy import data_keys
from tests.support.deployment import Deployment, prepare_database
from tests.support.pristine import keep_pristine
from tests.support.servers import (
    Broker,
    EmbeddedBroker,
    RabbitBroker,
    fresh_database,
    in_ci,
    migrated_template,
    name_of,
)

admin.autodiscover()  # as shop.urls does, for tests that ask for all models of the admin
_HASHERS_OF_THE_SHOP = settings.PASSWORD_HASHERS
settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # the shop's take a second each

#: The slowest tests, which start first: then all processes end at about the same time.
_SLOWEST = ("tests/faults/test_schedule.py", "tests/acceptance", "tests/faults", "tests/contracts")


def pytest_configure(config: pytest.Config) -> None:
    """Have xdist take the groups in our order, not by their number of tests."""
    config.option.loadscopereorder = False


@pytest.hookimpl(wrapper=True)  # before xdist reads the groups, and after other plugins have sorted the tests
def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> Generator[None, object, object]:
    """Group the tests that share a deployment or a broker, for one process to run."""
    for item in items:
        item.add_marker(pytest.mark.xdist_group(_group(item)))
    result = yield
    if config.getoption("loadgroup", False):
        items.sort(key=_rank)
    return result


def _group(item: pytest.Item) -> str:
    params = item.callspec.params if hasattr(item, "callspec") else {}
    file = item.path.relative_to(item.config.rootpath)
    if "running_shop" in params and not hasattr(item.module, "running_shop"):  # not the module's own one
        return f"{file.parent}-{params['running_shop']}"
    if "broker_url" in params and file.parent.name == "contracts":
        return f"{file.parent}-{params['broker_url']}"
    return f"{file}-{params.get('running_shop') or params.get('broker') or ''}"


def _rank(item: pytest.Item) -> int:
    group = _group(item)
    return next((rank for rank, slow in enumerate(_SLOWEST) if group.startswith(slow)), len(_SLOWEST))


def pytest_collection_finish(session: pytest.Session) -> None:
    """Refuse to run if xdist has not grouped the tests: they would take each other's messages."""
    if session.config.getoption("loadgroup", False) and any("@" not in item.nodeid for item in session.items):
        raise pytest.UsageError("pytest-xdist has not grouped the tests: is it too old for this pytest?")


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings: None, server_url: str) -> None:
    """Copy the tables: migrations take many seconds, and each test process would run them all."""
    connection.settings_dict["TEST"]["TEMPLATE"] = migrated_template(server_url)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    """Restore all tables after each test with transactions of its own, quicker than Django does."""
    with django_db_blocker.unblock():
        keep_pristine()


@pytest.fixture
def hashers_of_the_shop(settings: Any) -> None:
    """Hash passwords as the shop does."""
    settings.PASSWORD_HASHERS = _HASHERS_OF_THE_SHOP


@pytest.fixture(autouse=True)
def _no_consumer_is_paused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start each test with a fresh, empty cache of paused consumers."""
    circuit_breaker.local_state.reset()
    monkeypatch.setattr(circuit_breaker.local_state, "read_at", time.monotonic())
    monkeypatch.setattr(circuit_breaker, "CACHE_SECONDS", 3600.0)


@pytest.fixture(autouse=True)
def _database_was_never_restored(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start each test without a fence, and without the query for it, also after a new connection."""
    monkeypatch.setattr(fence.local_fence, "limit", "")
    connection_created.disconnect(fence.read_again)


@pytest.fixture(autouse=True)
def _no_data_key_is_remembered() -> None:
    """Start each test with an empty cache of data keys: the last one's subjects are rolled back."""
    data_keys.cache.clear()


def _given(variable: str) -> str:
    if not (url := os.environ.get(variable)):
        pytest.skip(f"{variable} is not set; script/test sets it")
    return url


@pytest.fixture(scope="session")
def amqp_url() -> str:
    """URL of the RabbitMQ that all tests share. No test stops it."""
    return _given("AMQP_URL")


@pytest.fixture(scope="session")
def pgmq_url() -> str:
    """URL of the pgmq database that all tests share."""
    return _given("PGMQ_URL")


@pytest.fixture(scope="session")
def server_url() -> str:
    """URL of the PostgreSQL on which tests create databases."""
    return _given("DATABASE_URL")


@pytest.fixture(scope="session")
def rabbitmq_node() -> Iterator[RabbitMQ]:
    """A RabbitMQ node that tests may stop and kill."""
    process = os.environ.get("PYTEST_XDIST_WORKER", "")
    node = private_rabbitmq(f"test-faults{process}")
    # Processes that look for a free port at the same moment must not find the same one.
    node.preferred_port += 100 * (1 + int(process.removeprefix("gw") or 0))
    try:
        node.erase()
        node.start()
    except NoRabbitMQ as reason:
        (pytest.fail if in_ci() else pytest.skip)(str(reason))
    yield node
    node.kill()


@pytest.fixture(scope="session")
def kafka_node() -> Iterator[Kafka]:
    """An Apache Kafka 0.9 that tests may stop and kill."""
    process = os.environ.get("PYTEST_XDIST_WORKER", "")
    node = private_kafka(f"test-kafka{process}")
    node.preferred_port += 100 * (1 + int(process.removeprefix("gw") or 0))
    try:
        node.erase()
        node.start()
    except NoKafka as reason:
        (pytest.fail if in_ci() else pytest.skip)(str(reason))
    yield node
    node.stop()


@pytest.fixture(scope="session")
def prepared(
    server_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, dict[str, str]]]:
    """Name of a template database with tables and a catalogue, and its customers' API tokens."""
    with fresh_database(server_url, template=migrated_template(server_url)) as url:
        yield name_of(url), prepare_database(url, tmp_path_factory.mktemp("prepared"))


@pytest.fixture(params=["rabbitmq", "embedded"])
def broker(request: pytest.FixtureRequest, server_url: str) -> Iterator[Broker]:
    """Broker of the test's own. The test runs on RabbitMQ and on the embedded broker."""
    if request.param == "embedded":
        with fresh_database(server_url) as url:
            yield EmbeddedBroker(url)
        return
    broker = RabbitBroker(request.getfixturevalue("rabbitmq_node"))
    yield broker
    broker.start()  # for the next test


@pytest.fixture
def rabbit_broker(rabbitmq_node: RabbitMQ) -> Iterator[RabbitBroker]:
    """RabbitMQ broker that the test may stop and kill."""
    broker = RabbitBroker(rabbitmq_node)
    yield broker
    broker.start()


@pytest.fixture
def deploy(
    server_url: str, prepared: tuple[str, dict[str, str]], tmp_path: Path
) -> Iterator[Callable[..., Deployment]]:
    """Make a deployment on a broker: ``with deploy(broker, **options) as shop: ...``."""
    template, tokens = prepared
    with fresh_database(server_url, template=template) as url:

        def make(broker: Broker, **options: object) -> Deployment:
            return Deployment(database_url=url, broker=broker, tokens=tokens, home=tmp_path, **options)  # type: ignore[arg-type]

        yield make
