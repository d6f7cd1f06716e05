"""Template tags of the admin: panels of the operators' order page, doctor, alarms."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any
from uuid import UUID

from django import template
from django.template import Context

from console.models import Checkup
from console.order_page.standstill import Reason, reasons_of
from console.order_page.steps import SagaStep, steps_of
from notifications.queries import NotificationSummary, notifications_of
from payments.queries import PaymentInfo, payments_of
from shipping.queries import ShipmentInfo, shipment_of
from shop.currencies import as_text
from shop.messaging.event_log import TimelineEntry, timeline
from shop.messaging.operations import paused, queries
from shop.messaging.operations.paused import PausedConsumer
from shop.privacy.showing import shown

register = template.Library()


@dataclass(frozen=True, slots=True)
class TimelineRow:
    """Event of an order as a row of the timeline."""

    entry: TimelineEntry
    #: Time since the order was placed.
    since: timedelta
    #: Name of the event that caused it, if that is about the same order.
    cause: str

    @property
    def elapsed(self) -> str:
        """Time since the order was placed, as in ``1.250 s``."""
        return f"{self.since.total_seconds():,.3f} s"

    @property
    def facts(self) -> list[tuple[str, Any]]:
        """Fields of the event, except for the order."""
        return [(name, _plain(value)) for name, value in self.entry.data.items() if name != "order_id"]


@dataclass(frozen=True)
class Panels:
    """Facts that the other contexts hold about an order, each queried when it is shown."""

    order_id: UUID

    @cached_property
    def payments(self) -> list[PaymentInfo]:
        """Payments with their refunds."""
        return payments_of(self.order_id)

    @cached_property
    def shipment(self) -> ShipmentInfo | None:
        """Shipment, if there is one yet."""
        return shipment_of(self.order_id)

    @cached_property
    def notifications(self) -> list[NotificationSummary]:
        """Messages to the customer."""
        return notifications_of(self.order_id)

    @cached_property
    def steps(self) -> Sequence[SagaStep]:
        """Steps of the saga."""
        return steps_of(self._entries)

    @cached_property
    def timeline(self) -> list[TimelineRow]:
        """Events."""
        return _timeline_rows(self._entries)

    @cached_property
    def _entries(self) -> list[TimelineEntry]:
        return timeline(self.order_id)


@register.simple_tag
def panels_of(order_id: UUID) -> Panels:
    """Return the panels of an order."""
    return Panels(order_id)


@register.simple_tag(takes_context=True)
def standstill(context: Context, order_id: UUID) -> list[Reason]:
    """Return why an order stands still."""
    return reasons_of(order_id, context["request"].user)


@register.inclusion_tag("console/doctors_note.html")
def doctors_note() -> dict[str, Any]:
    """Render the result of the last check-up in a line, with a link to the page of the doctor."""
    return {"checkup": Checkup.objects.defer("findings").order_by("-pk").first()}


@register.filter
def spell_out(span: timedelta) -> str:
    """Format a time span as ``5 minutes`` or ``1 hour``."""
    for unit, seconds in (("hour", 3600), ("minute", 60)):
        if span.total_seconds() >= seconds and not span.total_seconds() % seconds:
            count = int(span.total_seconds() // seconds)
            return f"{count} {unit}" if count == 1 else f"{count} {unit}s"
    return f"{span.total_seconds():g} seconds"


@register.filter
def words(value: str) -> str:
    """Format a value such as ``out_for_delivery`` in words."""
    return value.replace("_", " ").capitalize()


@register.inclusion_tag("console/paused_consumers.html")
def paused_consumers() -> dict[str, list[PausedConsumer]]:
    """Render the paused consumers with the number of events held for each."""
    return {"paused": paused.paused_consumers()}


@register.filter
def money(amount: Decimal, currency: str) -> str:
    """Format an amount with the decimals of its currency."""
    return f"{as_text(amount, currency)} {currency}"


@register.filter
def percent(share: float) -> str:
    """Format a share of 0 to 1 as ``12.5 %``."""
    return f"{share * 100:.1f} %"


@register.inclusion_tag("console/forged_messages.html")
def forged_messages() -> dict[str, dict[str, int]]:
    """Render the numbers of open forged messages, by app."""
    return {"forged": queries.forged_messages()}


def _timeline_rows(found: list[TimelineEntry]) -> list[TimelineRow]:
    entries = shown(found, personal=False)
    names: dict[UUID | None, str] = {entry.id: entry.name for entry in entries}
    start = entries[0].time if entries else None
    return [
        TimelineRow(entry, entry.time - (start or entry.time), names.get(entry.causation_id, ""))
        for entry in entries
    ]


def _plain(value: Any) -> Any:
    """Format money as ``49.90 EUR`` and lists item by item; return other values unchanged."""
    if isinstance(value, dict) and value.keys() == {"amount", "currency"}:
        return f"{value['amount']} {value['currency']}"
    if isinstance(value, dict):
        return ", ".join(str(_plain(item)) for item in value.values())
    if isinstance(value, list):
        return "; ".join(str(_plain(item)) for item in value)
    return value
