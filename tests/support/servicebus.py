"""Service Bus in tests: the stand-in, or the emulator or account that ASB_URL names."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dev.servers.servicebus.process import ServiceBusStandIn
from shop.messaging.bus.servicebus.emulator import emulator_config

#: Subscription of a program that shares no code with the shop.
READER = "warehouse"
_READ = "tests.ProbeSent.v1"


def entities(lock: str = "PT60S", *, requires_session: bool = False) -> dict[str, Any]:
    """Return the entities of the registered consumers, the tests' own included, and of a foreign reader."""
    config = emulator_config()
    [namespace] = config["UserConfig"]["Namespaces"]
    subscriptions = namespace["Topics"][0]["Subscriptions"]
    rule = {"Name": _READ, "Properties": {"FilterType": "Correlation", "CorrelationFilter": {"Label": _READ}}}
    subscriptions.append({"Name": READER, "Properties": {}, "Rules": [rule]})
    for entity in (*subscriptions, *namespace["Queues"]):
        entity["Properties"]["LockDuration"] = lock
    for subscription in subscriptions:
        subscription["Properties"]["RequiresSession"] = requires_session
    return config


@contextmanager
def service_bus(home: Path, *, preferred_port: int, lock: str = "PT60S") -> Iterator[str]:
    """Yield the connection string of a stand-in of its own, or that of ASB_URL."""
    if given := os.environ.get("ASB_URL"):
        yield given
        return
    server = ServiceBusStandIn(home, entities(lock), preferred_port=preferred_port)
    server.start()
    try:
        yield server.url()
    finally:
        server.stop()
