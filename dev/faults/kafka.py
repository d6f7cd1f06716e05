"""Faults of Kafka: the broker is stopped, killed or suspended; strangers write records and join groups.

Imported only if Kafka is the event bus.
"""

import contextlib
from collections.abc import Iterator
from random import Random
from typing import Any

from confluent_kafka import Consumer, Producer, TopicPartition

from dev.errors import ScriptError
from dev.faults.kinds import fault
from dev.faults.messages import POISONED, poisoned
from dev.faults.system import System
from dev.servers.kafka import Kafka
from shop.messaging.bus.kafka.cluster import Cluster
from shop.settings import CONTEXTS

_EVENTS = "shop.events"
_PARTITIONS = 16
#: Seconds to wait for an answer: longer than the network's faults.
_TIMEOUT = 30.0
#: Largest number of records that are published again.
_LIMIT = 200


@fault("Kafka stopped", target="Kafka", duration=(3, 15))
def kafka_stopped(system: System, chance: Random) -> Iterator[None]:
    """Shut down and start again, as an upgrade does; with it its ZooKeeper."""
    _broker(system).stop()
    yield
    _broker(system).start()


@fault("Kafka killed", target="Kafka", duration=(1, 10))
def kafka_killed(system: System, chance: Random) -> Iterator[None]:
    _broker(system).kill()
    yield
    _broker(system).start()


@fault("Kafka frozen", target="Kafka", duration=(4, 25))
def kafka_frozen(system: System, chance: Random) -> Iterator[None]:
    """Suspend with SIGSTOP, for more or less than ZooKeeper's and the members' sessions."""
    _broker(system).pause()
    try:
        yield
    finally:
        _broker(system).resume()


@fault("records published twice and shuffled", target="Kafka", duration=(3, 8))
def twice_and_shuffled(system: System, chance: Random) -> Iterator[None]:
    """Publish the records of this period again, twice, in another order and in other partitions."""
    with _consumer(system, "copier") as consumer:
        where = [TopicPartition(_EVENTS, number) for number in range(_PARTITIONS)]
        consumer.assign([TopicPartition(_EVENTS, one.partition, _end(consumer, one)) for one in where])
        yield
        taken = [one.value() or b"" for one in consumer.consume(_LIMIT, timeout=3) if not one.error()]
    _publish(system, [(_EVENTS, value) for value in chance.sample(taken * 2, 2 * len(taken))])


@fault("poison", target="Kafka")
def poison(system: System, chance: Random) -> Iterator[None]:
    """Send some apps a record that is unreadable, and one that is none of the shop's to all of them."""
    _publish(system, [(queue, poisoned(system, chance).body) for queue in POISONED])
    _publish(system, [(_EVENTS, b"\xff\xfe\x00")])
    system.poisoned += len(POISONED) + len(CONTEXTS)
    yield


@fault("a stranger joins a group", target="Kafka", duration=(8, 20))
def stranger_joins(system: System, chance: Random) -> Iterator[None]:
    """Take part of an app's partitions, read them and commit nothing. The group rebalances twice."""
    with _consumer(system, f"shop.{chance.choice(CONTEXTS)}") as stranger:
        stranger.subscribe([_EVENTS])
        stranger.consume(_LIMIT, timeout=3)
        yield
        stranger.consume(_LIMIT, timeout=1)  # librdkafka may hang if it is closed while it gets partitions


def pending_records(system: System) -> int:
    """Return the number of records that the apps' groups have not settled."""
    return sum(_lag(system, app) for app in CONTEXTS)


def _lag(system: System, app: str) -> int:
    with _consumer(system, f"shop.{app}") as consumer:
        topics = (_EVENTS, f"{app}.events")
        where = [TopicPartition(topic, number) for topic in topics for number in range(_PARTITIONS)]
        committed = consumer.committed(where, timeout=_TIMEOUT)
        return sum(_end(consumer, one) - max(0, one.offset) for one in committed)


def _end(consumer: Consumer, where: TopicPartition) -> int:
    return int(consumer.get_watermark_offsets(where, timeout=_TIMEOUT)[1])


def _publish(system: System, records: list[tuple[str, bytes]]) -> None:
    producer: Any = Producer(_cluster(system).client_config() | {"acks": "all", "log_level": 0})
    for topic, value in records:
        producer.produce(topic, value=value)
    if producer.flush(_TIMEOUT):
        raise ScriptError("Kafka has not taken the records")


@contextlib.contextmanager
def _consumer(system: System, group: str) -> Iterator[Consumer]:
    options = {"group.id": group, "enable.auto.commit": False, "session.timeout.ms": 6000, "log_level": 0}
    consumer = Consumer({**_cluster(system).client_config(), **options})
    try:
        yield consumer
    finally:
        consumer.close()


def _cluster(system: System) -> Cluster:
    return Cluster.from_url(system.env["SHOP_EVENT_BUS"])


def _broker(system: System) -> Kafka:
    if not system.kafka:
        raise ScriptError("the event bus is not Kafka")
    return system.kafka
