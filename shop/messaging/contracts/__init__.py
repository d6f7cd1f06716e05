"""Contracts of events: types, versions, wire format and compatibility; without Django."""

from shop.messaging.contracts.event import (
    Event,
    Meta,
    Reminder,
    event_type,
    event_types,
    is_replaced,
    newest,
)
from shop.messaging.contracts.facts import Amount, Currency, Fact, Money
from shop.messaging.contracts.versions import as_version, versions, versions_up_to, with_older_copies

__all__ = [
    "Amount",
    "Currency",
    "Event",
    "Fact",
    "Meta",
    "Money",
    "Reminder",
    "as_version",
    "event_type",
    "event_types",
    "is_replaced",
    "newest",
    "versions",
    "versions_up_to",
    "with_older_copies",
]
