"""What the operators' order page shows of the other contexts, asked through their queries."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django import template

from console.models import Checkup
from notifications.queries import NotificationSummary, notifications_of
from payments.queries import PaymentInfo, payments_of
from shipping.queries import ShipmentInfo, shipment_of
from shop.messaging.event_log import TimelineEntry, timeline
from shop.messaging.operations import queries
from shop.messaging.operations.queries import PausedConsumer

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


@register.inclusion_tag("console/doctors_note.html")
def doctors_note() -> dict[str, Any]:
    """The last check-up in a line, with the way to the doctor's page."""
    return {"checkup": Checkup.objects.defer("findings").order_by("-pk").first()}


@register.filter
def spell_out(span: timedelta) -> str:
    """``5 minutes``, ``1 hour``."""
    for unit, seconds in (("hour", 3600), ("minute", 60)):
        if span.total_seconds() >= seconds and not span.total_seconds() % seconds:
            count = int(span.total_seconds() // seconds)
            return f"{count} {unit}" if count == 1 else f"{count} {unit}s"
    return f"{span.total_seconds():g} seconds"


@register.filter
def words(value: str) -> str:
    """``out_for_delivery`` as people write it."""
    return value.replace("_", " ").capitalize()


@register.inclusion_tag("console/paused_consumers.html")
def paused_consumers() -> dict[str, list[PausedConsumer]]:
    """Which consumers fail at everything, with what waits for them."""
    return {"paused": queries.paused_consumers()}


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
