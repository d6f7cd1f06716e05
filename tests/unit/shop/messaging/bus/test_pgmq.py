"""Embedded broker: batches are published, acknowledged and kept invisible together."""

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest
from kombu import Connection
from kombu import Consumer as KombuConsumer

from shop.messaging.bus import publisher as bus_publisher
from shop.messaging.bus import topology
from shop.messaging.bus.acknowledger import acknowledger_for
from shop.messaging.bus.outgoing import Outgoing
from shop.messaging.bus.publisher import Publisher
from shop.messaging.bus.topology import declare_topology
from shop.messaging.bus.transport_settings import transport_settings
from shop.messaging.worker import bridge
from shop.settings import SHOP_EVENTS_PER_MESSAGE as BUNDLE
from tests.support.servers import EmbeddedBroker, fresh_database
from tests.unit.shop.messaging.worker.doubles import event

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
    return topology.queue_of(QUEUE, amqp=False)(connection.default_channel)


def waiting(connection: Connection) -> int:
    """Return the number of messages in the queue; kombu has no public function for it."""
    size: int = connection.default_channel._size(queue(connection).name)
    return size


def due(connection: Connection) -> dict[int, Any]:
    """Return the end of each message's visibility timeout."""
    channel: Any = connection.default_channel
    with channel.pgmq.pool.connection() as session:
        return dict(session.execute(f"SELECT msg_id, vt FROM pgmq.q_{QUEUE}_events").fetchall())


def test_processes_that_start_together_declare_the_same_queues(broker_url: str) -> None:
    options = transport_settings(broker_url)["CELERY_BROKER_TRANSPORT_OPTIONS"]
    start = threading.Barrier(4)

    def declare(process: int) -> None:
        with Connection(broker_url, transport_options=options) as connection:
            channel: Any = connection.default_channel
            start.wait(10)
            for number in range(20):
                channel.queue_declare(f"together_{number}")

    with ThreadPoolExecutor(4) as processes:
        list(processes.map(declare, range(4)))


def batch(count: int) -> list[Outgoing]:
    """Return messages with headers, which are not bundled."""
    return [Outgoing(n, uuid4(), TYPE, "", {"x-attempts": 1}, "{}") for n in range(count)]


def received(connection: Connection, count: int) -> list[Any]:
    messages: list[Any] = []
    channel = connection.channel()
    consumer = KombuConsumer(channel, [topology.queue_of(QUEUE, amqp=False)], accept=[], auto_declare=False)
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
        patched.setattr(bus_publisher, "reach", fail_after_the_third)
        with pytest.raises(OSError, match="no more"):
            publisher.publish(batch(4))
    assert waiting(connection) == 0

    assert publisher.publish(batch(4)).confirmed == {0, 1, 2, 3}
    assert waiting(connection) == 4


def test_a_large_batch_is_seen_before_all_of_it_is_there(connection: Connection, monkeypatch: Any) -> None:
    seen = []
    monkeypatch.setattr(bus_publisher, "reach", lambda _: seen.append(waiting(connection)))

    Publisher(connection).publish(batch(bus_publisher.TRANSACTION_SIZE + 1))

    assert seen[-2:] == [0, bus_publisher.TRANSACTION_SIZE]


def test_a_batch_is_acknowledged_by_one_deletion(connection: Connection, monkeypatch: Any) -> None:
    Publisher(connection).publish(batch(5))
    messages = received(connection, 5)
    monkeypatch.setattr(
        messages[0].channel.pgmq, "delete", lambda *_, **__: pytest.fail("one was deleted by itself")
    )

    acknowledger_for(connection, connection.connection_errors).acknowledge(messages[:3])

    assert [message.acknowledged for message in messages] == [True] * 3 + [False] * 2
    assert waiting(connection) == 2


def test_events_of_a_type_share_messages_that_the_bridge_takes_apart(connection: Connection) -> None:
    events = [event("orders.OrderCreated.v1") for _ in range(BUNDLE + 5)]
    sent = [Outgoing(n, uuid4(), TYPE, "", {}, json.dumps(body)) for n, body in enumerate(events)]

    assert len(Publisher(connection).publish(sent).confirmed) == len(events)

    messages = received(connection, 2)
    bundles = [bridge.identify("analytics", message) for message in messages]
    assert sorted(map(len, bundles)) == [5, BUNDLE]
    delivered = [incoming for bundle in bundles for incoming in bundle]
    assert {incoming.text for incoming in delivered} == {json.dumps(body) for body in events}
    assert all(incoming.consumer and not incoming.alone for incoming in delivered)


def test_what_is_in_hand_is_kept_from_others_until_it_is_settled(connection: Connection) -> None:
    Publisher(connection).publish(batch(4))
    consumed, given_back, waiting, unknown = received(connection, 4)
    acknowledger = acknowledger_for(connection, connection.connection_errors)
    for message in (consumed, given_back, waiting):
        acknowledger.note(message)
    acknowledger.acknowledge([consumed])
    acknowledger.reject(given_back, requeue=True)
    before = due(connection)

    acknowledger.extend_visibility()

    after = due(connection)
    assert {id_ for id_ in after if after[id_] != before[id_]} == {waiting.delivery_info["pgmq_msg_id"]}
    assert (
        after.keys()
        == before.keys()
        == {message.delivery_info["pgmq_msg_id"] for message in (given_back, waiting, unknown)}
    )
