"""What the operators' order page shows of the other contexts, asked through their queries."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django import template

from notifications.queries import NotificationSummary, notifications_of
from payments.queries import PaymentInfo, payments_of
from shipping.queries import ShipmentInfo, shipment_of
from shop.messaging.queries import TimelineEntry, timeline

register = template.Library()


@dataclass(frozen=True, slots=True)
class Moment:
    """An event of the order's life as the page shows it."""

    entry: TimelineEntry
    #: Since the order was placed.
    since: timedelta
    #: The name of the event that it follows from, if that is about the same order.
    follows: str

    @property
    def elapsed(self) -> str:
        """How long after the order was placed, as in ``1.250 s``."""
        return f"{self.since.total_seconds():,.3f} s"

    @property
    def facts(self) -> list[tuple[str, Any]]:
        """What the event says, but for what it is about."""
        return [(name, _plain(value)) for name, value in self.entry.data.items() if name != "order_id"]


@dataclass(frozen=True, slots=True)
class Panels:
    """All that the other contexts know of an order."""

    payments: list[PaymentInfo]
    shipment: ShipmentInfo | None
    notifications: list[NotificationSummary]
    timeline: list[Moment]


@register.simple_tag
def panels_of(order_id: UUID) -> Panels:
    """Ask everybody about an order."""
    return Panels(
        payments_of(order_id), shipment_of(order_id), notifications_of(order_id), _moments(order_id)
    )


@register.filter
def words(value: str) -> str:
    """``out_for_delivery`` as people write it."""
    return value.replace("_", " ").capitalize()


def _moments(order_id: UUID) -> list[Moment]:
    entries = timeline(order_id)
    names: dict[UUID | None, str] = {entry.id: entry.name for entry in entries}
    begin = entries[0].time if entries else None
    return [
        Moment(entry, entry.time - (begin or entry.time), names.get(entry.causation_id, ""))
        for entry in entries
    ]


def _plain(value: Any) -> Any:
    """Money as in ``49.90 EUR``, lists item by item; the rest as it is."""
    if isinstance(value, dict) and value.keys() == {"amount", "currency"}:
        return f"{value['amount']} {value['currency']}"
    if isinstance(value, dict):
        return ", ".join(str(_plain(item)) for item in value.values())
    if isinstance(value, list):
        return "; ".join(str(_plain(item)) for item in value)
    return value
