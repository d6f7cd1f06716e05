"""Config.json of Microsoft's emulator, which makes its entities from this file alone."""

from __future__ import annotations

from typing import Any

from shop.messaging.bus.servicebus.topology import (
    LOCK_SECONDS,
    MAX_DELIVERY_COUNT,
    TOPIC,
    Subscription,
    queues,
    subscriptions,
)

#: The emulator's only namespace, and the longest life of a message in it.
_NAMESPACE, _LONGEST_LIFE = "sbemulatorns", "PT1H"


def emulator_config() -> dict[str, Any]:
    """Return the configuration of the emulator."""
    topic = {
        "Name": TOPIC,
        "Properties": {"DefaultMessageTimeToLive": _LONGEST_LIFE, "RequiresDuplicateDetection": False},
        "Subscriptions": [_subscription(subscription) for subscription in subscriptions()],
    }
    namespace = {
        "Name": _NAMESPACE,
        "Queues": [{"Name": name, "Properties": _properties(requires_session=False)} for name in queues()],
        "Topics": [topic],
    }
    return {"UserConfig": {"Namespaces": [namespace], "Logging": {"Type": "File"}}}


def _subscription(subscription: Subscription) -> dict[str, Any]:
    return {
        "Name": subscription.app,
        "Properties": _properties(requires_session=subscription.requires_session),
        "Rules": [
            {
                "Name": type_,
                "Properties": {"FilterType": "Correlation", "CorrelationFilter": {"Label": type_}},
            }
            for type_ in subscription.types
        ],
    }


def _properties(*, requires_session: bool) -> dict[str, Any]:
    return {
        "DeadLetteringOnMessageExpiration": True,
        "DefaultMessageTimeToLive": _LONGEST_LIFE,
        "LockDuration": f"PT{LOCK_SECONDS}S",
        "MaxDeliveryCount": MAX_DELIVERY_COUNT,
        "RequiresDuplicateDetection": False,
        "RequiresSession": requires_session,
    }
