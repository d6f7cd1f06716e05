"""Entities of these tests, as in the Config.json of Microsoft's emulator.

To run the tests on the emulator or an account, make these entities there, and set ASB_URL to the connection
string. ``python -m tests.support.servicebus_config`` prints the emulator's file.
"""

from typing import Any

MAX_DELIVERIES = 3


def entities(lock: str) -> dict[str, Any]:
    """Return the definition of all entities; ``lock`` is an ISO 8601 duration."""
    properties = {"LockDuration": lock, "MaxDeliveryCount": MAX_DELIVERIES}
    ordered = properties | {"RequiresSession": True, "LockDuration": "PT1M"}
    subscriptions = [
        {"Name": "cups", "Properties": properties, "Rules": [_rule("Cup"), _rule("Mug")]},
        {"Name": "plates", "Properties": properties, "Rules": [_rule("Plate")]},
        {"Name": "ordered", "Properties": ordered, "Rules": [_rule("Tray")]},
    ]
    queues = [{"Name": "jobs", "Properties": properties}, {"Name": "turns", "Properties": ordered}]
    topics = [{"Name": "crockery", "Properties": {}, "Subscriptions": subscriptions}]
    return {
        "UserConfig": {
            "Namespaces": [{"Name": "sbemulatorns", "Queues": queues, "Topics": topics}],
            "Logging": {"Type": "File"},
        }
    }


def _rule(subject: str) -> dict[str, Any]:
    correlation = {"FilterType": "Correlation", "CorrelationFilter": {"Label": subject}}
    return {"Name": subject, "Properties": correlation}
