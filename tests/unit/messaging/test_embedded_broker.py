"""PostgreSQL as the broker: what belongs together goes there, and away from there, in one transaction."""

import threading
import time
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from kombu import Connection
from kombu import Consumer as KombuConsumer

from shop.messaging import broker
from shop.messaging.acknowledging import Acknowledger
from shop.messaging.broker import Outgoing, Publisher, declare_topology
from shop.messaging.transports import transport_settings
from tests.support.servers import EmbeddedBroker, fresh_database

TYPE = "orders.OrderCreated.v1"
QUEUE = "analytics"


@pytest.fixture(scope="module")
def broker_url(server_url: str) -> Iterator[str]:
    with fresh_database(server_url) as database_url:
        yield EmbeddedBroker(database_url).url


@pytest.fixture
def connection(broker_url: str) -> Iterator[Connection]:
    options = transport_settings(broker_url)["CELERY_BROKER_TRANSPORT_OPTIONS"]
    with Connection(broker_url, transport_options=options) as connection:
        declare_topology(connection, [QUEUE])
        queue(connection).purge()
        yield connection


def queue(connection: Connection) -> Any:
    return broker.queue_of(QUEUE, amqp=False)(connection.default_channel)


def waiting(connection: Connection) -> int:
    """How many messages are in the queue."""
    size: int = connection.default_channel._size(queue(connection).name)
    return size


def batch(count: int) -> list[Outgoing]:
    return [Outgoing(n, uuid4(), TYPE, "", {}, "{}") for n in range(count)]


def received(connection: Connection, count: int) -> list[Any]:
    messages: list[Any] = []
    channel = connection.channel()
    consumer = KombuConsumer(channel, [broker.queue_of(QUEUE, amqp=False)], accept=[], auto_declare=False)
    consumer.on_message = messages.append
    with consumer:
        while len(messages) < count:
            connection.drain_events(timeout=10)
    return messages


def test_a_batch_arrives_as_a_whole_or_not_at_all(connection: Connection, monkeypatch: Any) -> None:
    publisher, sent = Publisher(connection), []

    def fail_after_the_third(point: Any) -> None:
        sent.append(point)
        if len(sent) == 3:
            raise OSError("no more")

    with monkeypatch.context() as patched:
        patched.setattr(broker, "reach", fail_after_the_third)
        with pytest.raises(OSError, match="no more"):
            publisher.publish(batch(4))
    assert waiting(connection) == 0

    assert publisher.publish(batch(4)).confirmed == {0, 1, 2, 3}
    assert waiting(connection) == 4


def test_a_large_batch_is_seen_before_all_of_it_is_there(connection: Connection, monkeypatch: Any) -> None:
    seen = []
    monkeypatch.setattr(broker, "reach", lambda _: seen.append(waiting(connection)))

    Publisher(connection).publish(batch(broker._AT_ONCE + 1))

    assert seen[-2:] == [0, broker._AT_ONCE]


def test_a_batch_is_acknowledged_by_one_deletion(connection: Connection, monkeypatch: Any) -> None:
    Publisher(connection).publish(batch(5))
    messages = received(connection, 5)
    monkeypatch.setattr(
        messages[0].channel.pgmq, "delete", lambda *_, **__: pytest.fail("one was deleted by itself")
    )

    Acknowledger(connection, connection.connection_errors).acknowledge(messages[:3])

    assert [message.acknowledged for message in messages] == [True] * 3 + [False] * 2
    assert waiting(connection) == 2


def test_two_that_declare_wait_for_each_other(connection: Connection, broker_url: str) -> None:
    options = transport_settings(broker_url)["CELERY_BROKER_TRANSPORT_OPTIONS"]

    def declare() -> None:
        with Connection(broker_url, transport_options=options) as other:
            declare_topology(other, [QUEUE])

    second = threading.Thread(target=declare)
    with psycopg.connect(broker_url.replace("pgmq://", "postgresql://", 1)) as watching:
        with broker._one_at_a_time(connection.default_channel):
            second.start()
            deadline = time.monotonic() + 20
            waits = "select from pg_locks where locktype = 'advisory' and not granted"
            while not watching.execute(waits).fetchall():
                assert time.monotonic() < deadline
                time.sleep(0.02)
        second.join(20)
    assert not second.is_alive()
