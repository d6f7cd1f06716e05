"""Publisher of a relay: acknowledged by all replicas in sync, in order for each aggregate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from shop.messaging.bus.confirms import CONFIRM_TIMEOUT
from shop.messaging.bus.kafka import topics
from shop.messaging.bus.kafka.cluster import Cluster, logger, tell_once
from shop.messaging.bus.kafka.records import key_of, value_of
from shop.messaging.bus.outgoing import Outgoing, Receipt
from shop.messaging.consuming import consumers, consuming_apps, events_queue
from shop.messaging.contracts import is_replaced
from shop.messaging.failpoints import Point, reach


class KafkaPublisher:
    """Publishes batches, with a receipt of each record. After an error it is thrown away."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        timeout = {"message.timeout.ms": int(CONFIRM_TIMEOUT * 1000)}
        self._producer: Any = Producer(cluster.producer_config() | timeout, logger=logger)
        self._queues = {events_queue(app) for app in consuming_apps()}
        self._read_types = {type_ for consumer in consumers() for type_ in consumer.reads}

    def declare(self) -> None:
        """Create the topics that are missing."""
        topics.declare(self._cluster, self._producer)

    def publish(self, batch: Sequence[Outgoing]) -> Receipt:
        """Publish a batch and wait until each record is acknowledged or has failed.

        Raises:
            TimeoutError: the cluster has not acknowledged the batch within CONFIRM_TIMEOUT.
        """
        receipt = Receipt()
        for message in batch:
            if message.queue and message.queue not in self._queues:
                receipt.unroutable.add(message.entry_id)
                continue
            self._tell_of_unread(message)
            self._produce(message, receipt)
        reach(Point.AFTER_PUBLISH)
        if unconfirmed := self._producer.flush(CONFIRM_TIMEOUT + 1):
            raise TimeoutError(f"Kafka has not confirmed {unconfirmed} records")
        return receipt

    def _produce(self, message: Outgoing, receipt: Receipt) -> None:
        topic = self._cluster.name(message.queue) if message.queue else topics.all_events(self._cluster)
        key, value, recorder = key_of(message), value_of(message), _recorder(receipt, message.entry_id)
        while True:
            try:
                self._producer.produce(topic, key=key, value=value, on_delivery=recorder)
                break
            except BufferError:  # librdkafka's queue is full
                self._producer.poll(0.1)
            except KafkaException as refused:  # too large
                recorder(refused.args[0], None)
                break
        self._producer.poll(0)

    def _tell_of_unread(self, message: Outgoing) -> None:
        """Log that no app consumes an event. Kafka itself would not notice."""
        if not message.queue and message.type not in self._read_types and not is_replaced(message.type):
            tell_once("Kafka: no app consumes %s; only other programs can read it", message.type)

    def discard(self) -> None:
        """Drop what is not sent yet, so that none of it is sent after what another publisher sends."""
        self._producer.purge()
        self._producer.flush(1)


def _recorder(receipt: Receipt, entry_id: int) -> Callable[[KafkaError | None, Message | None], None]:
    def record(error: KafkaError | None, message: Message | None) -> None:
        if not error:
            receipt.confirmed.add(entry_id)
            return
        logger.error("Kafka has not taken a record: %s", error)
        if error.code() == KafkaError.MSG_SIZE_TOO_LARGE:  # it would hold up all others for ever
            receipt.unroutable.add(entry_id)

    return record
