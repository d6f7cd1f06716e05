"""Kafka as the event bus of relay and workers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from celery import Celery
from django.conf import settings

from shop.messaging.bus.kafka import topics
from shop.messaging.bus.kafka.cluster import Cluster, tell_what_is_missing
from shop.messaging.bus.kafka.dead_letters import DeadLetterTopics
from shop.messaging.bus.kafka.lags import lags
from shop.messaging.bus.kafka.listener import Listener
from shop.messaging.bus.kafka.publisher import KafkaPublisher
from shop.messaging.bus.kafka.records import Record
from shop.messaging.bus.port import Receive

#: Largest number of an app's records in a worker's hands.
MAX_IN_HAND = 500


class KafkaBus:
    """Event bus on the cluster that SHOP_EVENT_BUS names."""

    is_threaded = True

    def __init__(self, app: Celery) -> None:
        self._cluster = Cluster.from_url(settings.SHOP_EVENT_BUS)
        tell_what_is_missing(self._cluster)

    @contextmanager
    def publisher(self) -> Iterator[KafkaPublisher]:
        """Connect and create the topics that are missing."""
        publisher = KafkaPublisher(self._cluster)
        try:
            publisher.declare()
            topics.check_retention(self._cluster)
            yield publisher
        finally:
            publisher.discard()

    def intake(self, celery_consumer: Any, apps: Mapping[str, int]) -> KafkaIntake:
        """Return the intake of the worker, whose name is its instance in the groups."""
        return KafkaIntake(self._cluster, str(celery_consumer.hostname), apps)

    def depths(self) -> dict[str, int]:
        """Return the lag of each app's group: records of all types, those that it does not read included."""
        return lags(self._cluster)


class KafkaIntake:
    """A member of each app's group. It settles the records that it delivers."""

    #: Kafka knows no visibility timeout: a partition belongs to its member.
    extend_every: float | None = None

    def __init__(self, cluster: Cluster, instance: str, apps: Mapping[str, int]) -> None:
        self._dead_letters = DeadLetterTopics(cluster)
        self._listeners = {
            app: Listener(
                cluster,
                app,
                limit=min(prefetch * settings.SHOP_EVENTS_PER_MESSAGE, MAX_IN_HAND),
                instance=instance,
                tend=self._dead_letters.tend,
            )
            for app, prefetch in apps.items()
        }

    @property
    def acknowledger(self) -> KafkaIntake:
        """The intake itself."""
        return self

    def start(self, receive: Receive) -> None:
        """Join the groups."""
        for listener in self._listeners.values():
            listener.start(receive)

    def stop(self) -> None:
        """Deliver nothing more."""
        for listener in self._listeners.values():
            listener.stop()

    def close(self) -> None:
        """Commit what is settled, and leave the groups."""
        for listener in self._listeners.values():
            listener.close()
        self._dead_letters.close()

    def has_more(self) -> bool:
        """Return False: the records of one read are handed over together."""
        return False

    def note(self, message: Record) -> None:
        """Do nothing: a record is noted when it is read."""

    def acknowledge(self, messages: Sequence[Record]) -> None:
        """Settle records."""
        for record in messages:
            self._listeners[record.app].settle(record)

    def reject(self, message: Record, *, requeue: bool) -> None:
        """Leave a record unsettled: the next member with its partition gets it again. Or settle it."""
        if not requeue:
            self.acknowledge([message])

    def dead_letter(self, app: str, message: Record) -> None:
        """Copy a record to the app's dead-letter topic, and settle it once the copy is there."""
        self._dead_letters.copy(app, message, then=lambda: self.acknowledge([message]))

    def extend_visibility(self) -> None:
        """Do nothing."""
