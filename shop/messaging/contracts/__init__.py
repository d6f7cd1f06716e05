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
from shop.messaging.contracts.facts import STORED, Amount, Currency, Fact, Money
from shop.messaging.contracts.sealed import ERASED, Seals, clear_text, from_clear, seals_of
from shop.messaging.contracts.versions import (
    as_version,
    sent_versions,
    versions,
    versions_up_to,
    with_older_copies,
)

__all__ = [
    "ERASED",
    "STORED",
    "Amount",
    "Currency",
    "Event",
    "Fact",
    "Meta",
    "Money",
    "Reminder",
    "Seals",
    "as_version",
    "clear_text",
    "event_type",
    "event_types",
    "from_clear",
    "is_replaced",
    "newest",
    "seals_of",
    "sent_versions",
    "versions",
    "versions_up_to",
    "with_older_copies",
]
