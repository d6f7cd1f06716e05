"""Catalogue of all kinds of faults. Importing their modules registers them."""

import importlib

from dev.faults import links, messages, processes, providers, servers, webhooks
from dev.faults.kinds import KINDS, FaultKind
from dev.servers.infrastructure import KAFKA, RABBITMQ

__all__ = ["all_kinds", "links", "messages", "processes", "providers", "servers", "webhooks"]

#: Targets that belong to one event bus.
_EVENT_BUSES = {"RabbitMQ": RABBITMQ, "Kafka": KAFKA}


def all_kinds(event_bus: str = RABBITMQ) -> list[FaultKind]:
    """Return all kinds that an event bus can have, sorted by name: a seed always gives the same schedule."""
    if event_bus == KAFKA:
        importlib.import_module("dev.faults.kafka")
    kinds = (kind for kind in KINDS if _EVENT_BUSES.get(kind.target, event_bus) == event_bus)
    return sorted(kinds, key=lambda kind: kind.name)
