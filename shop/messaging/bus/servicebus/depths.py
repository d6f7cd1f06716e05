"""Depths of subscriptions and queues, by the administration client."""

from __future__ import annotations

from azure.servicebus.management import ServiceBusAdministrationClient
from django.conf import settings

from shop.messaging.bus.servicebus.topology import TOPIC
from shop.messaging.consuming import consuming_apps, events_queue


def depths() -> dict[str, int]:
    """Return the active messages of each app, by the name of its events queue."""
    with ServiceBusAdministrationClient.from_connection_string(settings.SHOP_EVENT_BUS) as client:
        return {events_queue(app): _depth(client, app) for app in consuming_apps()}


def _depth(client: ServiceBusAdministrationClient, app: str) -> int:
    subscription = client.get_subscription_runtime_properties(TOPIC, app)
    queue = client.get_queue_runtime_properties(events_queue(app))
    return int(subscription.active_message_count or 0) + int(queue.active_message_count or 0)
