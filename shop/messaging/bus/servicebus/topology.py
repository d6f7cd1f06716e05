"""Entities of the event bus in a Service Bus namespace, derived from the registry of consumers."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings

from shop.messaging.bus.topology import DELIVERY_LIMIT, EVENTS
from shop.messaging.consuming import consumers, consuming_apps, events_queue
from shop.messaging.contracts import Reminder

TOPIC = EVENTS.name
#: Deliveries of a message before Service Bus moves it to the dead-letter queue.
MAX_DELIVERY_COUNT = DELIVERY_LIMIT
#: Seconds for which a message is locked. Locks of messages in hand are renewed.
LOCK_SECONDS = 60


@dataclass(frozen=True)
class Subscription:
    """Subscription of an app. It has a rule for each type: its name, and the subject it matches."""

    app: str
    types: tuple[str, ...]
    #: Messages come in sessions, which keep their order.
    requires_session: bool


def subscriptions() -> list[Subscription]:
    """Return the subscriptions of all consuming apps."""
    return [
        Subscription(app, types_read_by(app), settings.SHOP_SERVICEBUS_SESSIONS) for app in consuming_apps()
    ]


def queues() -> list[str]:
    """Return the names of the queues for what is for one app alone."""
    return [events_queue(app) for app in consuming_apps()]


def types_read_by(app: str) -> tuple[str, ...]:
    """Return the types of the topic's messages that ``app`` consumes."""
    types = {
        type_
        for consumer in consumers()
        if consumer.app == app and not issubclass(consumer.event, Reminder)
        for type_ in consumer.reads
    }
    return tuple(sorted(types))


def types_read() -> frozenset[str]:
    """Return the types that some app consumes."""
    return frozenset(type_ for app in consuming_apps() for type_ in types_read_by(app))
