"""Creation of the bus's entities by the administration client, which needs the right to manage them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from azure.core.exceptions import AzureError, ResourceNotFoundError
from azure.servicebus.management import CorrelationRuleFilter, ServiceBusAdministrationClient
from django.conf import settings

from shop.messaging.bus.servicebus.topology import (
    LOCK_SECONDS,
    MAX_DELIVERY_COUNT,
    TOPIC,
    Subscription,
    queues,
    subscriptions,
)
from shop.messaging.errors import describe

#: Rule of a new subscription, which matches every message.
_MATCH_ALL = "$Default"
_PROPERTIES: dict[str, Any] = {
    "lock_duration": timedelta(seconds=LOCK_SECONDS),
    "max_delivery_count": MAX_DELIVERY_COUNT,
    "dead_lettering_on_message_expiration": True,
}


class CannotManage(Exception):
    """The entities could not be made."""


def make_entities() -> Iterator[str]:
    """Create what is missing, adapt what differs, and yield what was done. Raises CannotManage."""
    try:
        with ServiceBusAdministrationClient.from_connection_string(settings.SHOP_EVENT_BUS) as client:
            yield from _make_all(client)
    except (AzureError, ValueError) as error:
        raise CannotManage(describe(error)) from None


def _make_all(client: ServiceBusAdministrationClient) -> Iterator[str]:
    yield from _make_topic(client)
    for queue in queues():
        yield from _make_queue(client, queue)
    for subscription in subscriptions():
        yield from _make_subscription(client, subscription)
        yield from _make_rules(client, subscription)


def _make_topic(client: ServiceBusAdministrationClient) -> Iterator[str]:
    try:
        client.get_topic(TOPIC)
    except ResourceNotFoundError:
        client.create_topic(TOPIC)
        yield f"created topic {TOPIC}"


def _make_queue(client: ServiceBusAdministrationClient, name: str) -> Iterator[str]:
    try:
        found = client.get_queue(name)
    except ResourceNotFoundError:
        client.create_queue(name, **_PROPERTIES)
        yield f"created queue {name}"
        return
    if _adapt(found):
        client.update_queue(found)
        yield f"updated queue {name}"


def _make_subscription(client: ServiceBusAdministrationClient, subscription: Subscription) -> Iterator[str]:
    app, sessions = subscription.app, subscription.requires_session
    try:
        found = client.get_subscription(TOPIC, app)
    except ResourceNotFoundError:
        client.create_subscription(TOPIC, app, requires_session=sessions, **_PROPERTIES)
        yield f"created subscription {app}"
        return
    if bool(found.requires_session) != sessions:
        raise CannotManage(
            f"subscription {app} {'requires' if found.requires_session else 'has no'} sessions, and that "
            f"cannot be changed: stop the relay, wait until it is empty, delete it, and run this again."
        )
    if _adapt(found):
        client.update_subscription(TOPIC, found)
        yield f"updated subscription {app}"


def _make_rules(client: ServiceBusAdministrationClient, subscription: Subscription) -> Iterator[str]:
    """Add the missing rules, then remove the one that matches everything."""
    app = subscription.app
    found = {rule.name for rule in client.list_rules(TOPIC, app)}
    for type_ in subscription.types:
        if type_ not in found:
            client.create_rule(TOPIC, app, type_, filter=CorrelationRuleFilter(label=type_))
            yield f"created rule {type_} of subscription {app}"
    if _MATCH_ALL in found:
        client.delete_rule(TOPIC, app, _MATCH_ALL)
    for name in sorted(found - {_MATCH_ALL, *subscription.types}):
        yield f"left rule {name} of subscription {app}, which no consumer reads: delete it after the upgrade"


def _adapt(properties: Any) -> bool:
    """Set the properties that differ, and return whether some did."""
    different = {name: value for name, value in _PROPERTIES.items() if getattr(properties, name) != value}
    for name, value in different.items():
        setattr(properties, name, value)
    return bool(different)
