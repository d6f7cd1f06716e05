"""Celery's own commands on the embedded broker: each ends in a result, or in one line of advice."""

import os
import sys
from collections.abc import Iterator

import pytest
from amqp.exceptions import NotFound
from kombu import Connection

from dev.processes import programs
from shop.celery import app
from tests.support import forks
from tests.support.servers import EmbeddedBroker, fresh_database


@pytest.fixture(scope="module")
def embedded_url(server_url: str) -> Iterator[str]:
    with fresh_database(server_url) as url:
        yield EmbeddedBroker(url).url


@pytest.fixture
def channel(embedded_url):
    with Connection(embedded_url) as connection:
        yield connection.default_channel


def celery(embedded_url, *arguments):
    env = programs.environment(database_url=os.environ["DATABASE_URL"], broker_url=embedded_url)
    argv = [sys.executable, "-W", "ignore", "-m", "celery", "-A", "shop", *arguments]
    return forks.run(argv, env=env, timeout=30)


@pytest.mark.parametrize("command", ["inspect ping", "control shutdown", "status", "events --dump"])
def test_a_command_to_workers_is_refused_in_one_line_without_remote_control(embedded_url: str, command: str):
    done = celery(embedded_url, *command.split())

    assert done.returncode != 0
    assert len(done.stderr.strip().splitlines()) == 1
    assert "on RabbitMQ alone" in done.stderr


def test_a_task_can_be_called_and_purged_though_some_queues_were_never_declared(embedded_url):
    called = celery(embedded_url, "call", "shop.messaging.tasks.prune", "--queue", "messaging")
    assert (called.returncode, called.stderr) == (0, "")
    purged = celery(embedded_url, "purge", "-f")
    assert (purged.returncode, purged.stderr) == (0, "")
    assert "Purged 1 message" in purged.stdout


def test_tasks_migrate_from_an_embedded_broker_to_another_one(embedded_url, server_url, channel):
    channel.queue_declare("analytics")
    with fresh_database(server_url) as url:
        other = EmbeddedBroker(url).url
        with Connection(embedded_url) as connection:
            app.send_task("shop.some.task", queue="analytics", connection=connection)
        done = celery(embedded_url, "migrate", embedded_url, other, "--limit", "1", "--timeout", "5")
        with Connection(other) as connection:
            assert connection.default_channel.queue_purge("analytics") == 1, done.stdout + done.stderr


def test_an_unknown_queue_is_answered_in_one_line_that_says_what_to_do(embedded_url, channel):
    done = celery(embedded_url, "amqp", "queue.purge", "nosuch")
    (line,) = done.stderr.strip().splitlines()
    assert "there is no queue 'nosuch'" in line
    with pytest.raises(NotFound, match="list bindings"):
        channel.basic_get("nosuch")


def test_an_exchange_that_this_session_has_not_declared_says_what_to_do(channel):
    with pytest.raises(NotFound, match=r"exchange\.declare"):
        channel.queue_bind("orders", "nosuch", "orders")
    with pytest.raises(NotFound, match=r"exchange\.declare"):
        channel.exchange_delete("nosuch")


def test_a_queue_of_another_session_is_deleted_with_its_messages(embedded_url, channel):
    channel.queue_declare("spare")
    channel.basic_publish("hello", "", "spare")
    with Connection(embedded_url) as other:
        assert other.default_channel.queue_delete("spare", if_empty=True) == 0
        assert other.default_channel.queue_delete("spare") == 1
        assert other.default_channel.queue_delete("spare") == 0
    with pytest.raises(NotFound):
        channel.queue_purge("spare")
