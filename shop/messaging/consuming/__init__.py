"""Consuming: registration of consumers, inbox, retries and circuit breaker."""

from shop.messaging.consuming.decorator import DEFAULT_BATCH, DeliveryTask, consumes
from shop.messaging.consuming.registry import (
    Consumer,
    consumer_of,
    consumers,
    consuming_apps,
    events_queue,
    has_low_priority,
)

__all__ = [
    "DEFAULT_BATCH",
    "Consumer",
    "DeliveryTask",
    "consumer_of",
    "consumers",
    "consumes",
    "consuming_apps",
    "events_queue",
    "has_low_priority",
]
