"""Lags of the apps' groups: the records between what they have committed and the end of their topics."""

from __future__ import annotations

import contextlib

from confluent_kafka import Consumer, TopicPartition

from shop.messaging.bus.kafka import topics
from shop.messaging.bus.kafka.cluster import Cluster
from shop.messaging.consuming import consuming_apps, events_queue


def lags(cluster: Cluster) -> dict[str, int]:
    """Return the lag of each app, by the name of its events queue."""
    return {events_queue(app): _lag(cluster, app) for app in consuming_apps()}


def _lag(cluster: Cluster, app: str) -> int:
    """Return the lag of an app. The consumer only asks: it does not join the group."""
    consumer = Consumer(cluster.consumer_config(f"shop.{app}", f"{app}-lag"))
    with contextlib.closing(consumer):
        names = [topics.all_events(cluster), topics.events_of(cluster, app)]
        partitions = [TopicPartition(name, number) for name in names for number in range(topics.PARTITIONS)]
        committed = consumer.committed(partitions, timeout=topics.TIMEOUT)
        return sum(_behind(consumer, partition) for partition in committed)


def _behind(consumer: Consumer, committed: TopicPartition) -> int:
    first, end = consumer.get_watermark_offsets(committed, timeout=topics.TIMEOUT)
    return max(0, end - max(first, committed.offset))
