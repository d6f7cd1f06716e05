"""Kafka topics of the shop: their names, creation and retention."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient, ConfigResource, NewTopic  # type: ignore[attr-defined]
from django.conf import settings

from shop.messaging.bus.kafka.cluster import Cluster, tell_once
from shop.messaging.bus.topology import EVENTS, dead_queue
from shop.messaging.consuming import consuming_apps, events_queue

#: Partitions of a topic of events: the number of workers of one app that can share the work.
PARTITIONS = 16
#: Seconds to wait for an answer.
TIMEOUT = 10.0

_DAY = 24 * 60 * 60 * 1000


def all_events(cluster: Cluster) -> str:
    """Return the topic of all events."""
    return cluster.name(EVENTS.name)


def events_of(cluster: Cluster, app: str) -> str:
    """Return the topic of what goes to one app alone."""
    return cluster.name(events_queue(app))


def dead_of(cluster: Cluster, app: str) -> str:
    """Return the topic of what an app cannot read."""
    return cluster.name(dead_queue(app))


def declare(cluster: Cluster, client: Any) -> None:
    """Create the topics that are missing; ``client`` is a producer or consumer.

    Raises:
        KafkaException: the cluster does not answer, or refuses.
    """
    existing = client.list_topics(timeout=TIMEOUT).topics
    missing = {name: number for name, number in _wanted(cluster).items() if name not in existing}
    if missing and cluster.is_administrable:
        _create(cluster, missing)
        return
    for name in missing:
        client.list_topics(name, timeout=TIMEOUT)  # an old broker creates what it is asked about


def _wanted(cluster: Cluster) -> dict[str, int]:
    """Return the topics and the numbers of their partitions."""
    apps = consuming_apps()
    events = dict.fromkeys([all_events(cluster), *(events_of(cluster, app) for app in apps)], PARTITIONS)
    return events | dict.fromkeys((dead_of(cluster, app) for app in apps), 1)


def _create(cluster: Cluster, topics: dict[str, int]) -> None:
    options = {
        "retention.ms": str(settings.SHOP_KAFKA_RETENTION_DAYS * _DAY),
        "max.message.bytes": str(2 * settings.SHOP_MAX_MESSAGE_BYTES),
    }
    replicas = int(cluster.options.get("replication.factor", -1))  # -1: the cluster's default
    new = [
        NewTopic(name, num_partitions=number, replication_factor=replicas, config=options)
        for name, number in topics.items()
    ]
    admin = AdminClient(cluster.client_config())  # it has to live until all has been answered
    for created in admin.create_topics(new, request_timeout=TIMEOUT).values():
        try:
            created.result(TIMEOUT)
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:  # another process was faster
                raise


def check_retention(cluster: Cluster) -> None:
    """Log how long the cluster retains events, if that is shorter than SHOP_KAFKA_RETENTION_DAYS.

    A context that is down for longer loses events: Kafka removes records whether they were read or not.
    """
    if not cluster.is_administrable:
        return
    names = [all_events(cluster), *(events_of(cluster, app) for app in consuming_apps())]
    for name, retention in _retentions(cluster, names):
        if retention is None:
            tell_once("Kafka: the broker does not tell how long it retains %s: see docs/transports.md", name)
        elif 0 <= retention < settings.SHOP_KAFKA_RETENTION_DAYS * _DAY:
            tell_once(
                "Kafka retains %s for %.1f days: a context that is down for longer loses events."
                " Raise its retention.ms, or set SHOP_KAFKA_RETENTION_DAYS (%d)",
                name,
                retention / _DAY,
                settings.SHOP_KAFKA_RETENTION_DAYS,
            )


def _retentions(cluster: Cluster, names: Iterable[str]) -> list[tuple[str, int | None]]:
    """Return the topics and their retention in milliseconds: -1 if unlimited, None if it is not told."""
    admin = AdminClient(cluster.client_config())
    asked = [ConfigResource(ConfigResource.Type.TOPIC, name) for name in names]
    answers: dict[Any, Any] = admin.describe_configs(asked, request_timeout=TIMEOUT)
    return [(resource.name, _retention(answer)) for resource, answer in answers.items()]


def _retention(answer: Any) -> int | None:
    try:
        return int(answer.result(TIMEOUT)["retention.ms"].value)
    except (KafkaException, KeyError, TypeError, ValueError):
        return None
