"""Members of a Kafka group and publishers in the test's own process, through the port of the event bus."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from confluent_kafka import Consumer, TopicPartition

from shop.ids import uuid7
from shop.messaging.bus.kafka.bus import KafkaBus, KafkaIntake
from shop.messaging.bus.kafka.cluster import Cluster
from shop.messaging.bus.kafka.records import Partition, Record
from shop.messaging.bus.outgoing import Outgoing, Receipt
from shop.messaging.contracts import Meta, cloudevents
from tests.contracts.probe.events import ProbeSent


def outgoing(number: int, aggregate: UUID | None = None, *, queue: str = "") -> Outgoing:
    """Return an outbox entry of the given number, with an event of an aggregate."""
    event_id = uuid7()
    event = ProbeSent(probe_id=aggregate or uuid7(), number=number)
    body = cloudevents.encode(event.with_meta(Meta(event_id, datetime.now(UTC), event_id)))
    return Outgoing(number, event_id, event.type, queue, {}, body)


def publish(batch: Sequence[Outgoing]) -> Receipt:
    """Publish a batch with a publisher of its own."""
    with KafkaBus(None).publisher() as publisher:  # type: ignore[arg-type]
        return publisher.publish(batch)


class Member:
    """Worker's intake of the probe's app. It settles at once, unless ``keeps`` is set."""

    def __init__(self, name: str, *, keeps: bool = False) -> None:
        consumer: Any = SimpleNamespace(hostname=name)
        self.intake: KafkaIntake = KafkaBus(None).intake(consumer, {"tests": 100})  # type: ignore[arg-type]
        self.records: list[Record] = []
        self.errors: list[Exception] = []
        self.keeps = keeps
        self.intake.start(self._receive)

    def _receive(self, app: str, record: Any, error: Exception | None) -> None:
        self.records.append(record)
        self.errors += [error] if error else []
        if not self.keeps:
            self.settle(record)

    def settle(self, *records: Record) -> None:
        """Acknowledge records."""
        self.intake.acknowledge(records)

    def partitions(self) -> set[Partition]:
        """Return the partitions that the member has."""
        return set(self.intake._listeners["tests"]._positions._of)

    def by_partition(self) -> dict[Partition, list[Record]]:
        """Return what was delivered, by partition."""
        found = defaultdict(list)
        for record in self.records:
            found[record.partition].append(record)
        return found

    def close(self) -> None:
        """End in an orderly way."""
        self.intake.stop()
        self.intake.close()


@contextmanager
def member(name: str, *, keeps: bool = False) -> Iterator[Member]:
    """Run a member for the block."""
    one = Member(name, keeps=keeps)
    try:
        yield one
    finally:
        one.close()


def committed(url: str, group: str, partition: Partition) -> TopicPartition:
    """Return the position of a group in a partition, as a program sees it that is no member."""
    consumer = another_program(url, group)
    try:
        return consumer.committed([TopicPartition(*partition)], timeout=10)[0]
    finally:
        consumer.close()


def another_program(url: str, group: str = "another-program") -> Consumer:
    """Return a plain consumer of another program."""
    options = {"group.id": group, "enable.auto.commit": False, "auto.offset.reset": "earliest"}
    return Consumer({**Cluster.from_url(url).client_config(), **options})


def read_all(url: str, topic: str, expected: int, *, partitions: int = 16) -> list[Any]:
    """Read all records of a topic, without a group: those expected, and what else comes within a second.

    Tansu's end offsets cannot be asked instead: it counts batches.
    """
    consumer = another_program(url)
    consumer.assign([TopicPartition(topic, number, 0) for number in range(partitions)])
    records: list[Any] = []
    try:
        deadline = time.monotonic() + 15
        while time.monotonic() < deadline:
            records += [one for one in consumer.consume(1000, timeout=0.1) if not one.error()]
            if len(records) >= expected:
                deadline = min(deadline, time.monotonic() + 1)
        return records
    finally:
        consumer.close()
