"""Dead-letter topics, for records that an app cannot read."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from confluent_kafka import KafkaError, Producer

from shop.messaging.bus.kafka import topics
from shop.messaging.bus.kafka.cluster import Cluster, logger
from shop.messaging.bus.kafka.records import Record

#: Seconds to wait for copies when the worker ends. What is not copied comes again.
CLOSE_TIMEOUT = 5.0


class DeadLetterTopics:
    """Copies records, without waiting for the cluster. The producer is made for the first of them."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._lock = threading.Lock()
        self._producer: Producer | None = None

    def copy(self, app: str, record: Record, *, then: Callable[[], None]) -> None:
        """Copy a record to the app's topic. ``then`` is called in another thread when it is there."""

        def on_delivery(error: KafkaError | None, message: Any) -> None:
            if not error:
                then()
                return
            logger.warning("a record could not be copied to %s: %s", message.topic(), error)
            self.copy(app, record, then=then)

        self._connected().produce(
            topics.dead_of(self._cluster, app), value=record.value, on_delivery=on_delivery
        )

    def tend(self) -> None:
        """Call what waits for copies. Call it often."""
        if self._producer:
            self._producer.poll(0)

    def close(self) -> None:
        """Wait a little for the last copies."""
        if self._producer:
            self._producer.flush(CLOSE_TIMEOUT)

    def _connected(self) -> Producer:
        with self._lock:
            if not self._producer:
                self._producer = Producer(self._cluster.producer_config(), logger=logger)
            return self._producer
