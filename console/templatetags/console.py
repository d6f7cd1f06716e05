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
from django.utils.formats import number_format
from django.utils.translation import gettext, ngettext

from console.models import Checkup
from console.order_page.standstill import Reason, reasons_of
from console.order_page.steps import SagaStep, steps_of
from console.order_page.timeline import TimelineRow, timeline_of
from console.state_words import words
from notifications.queries import NotificationSummary, notifications_of
from payments.queries import PaymentInfo, payments_of
from shipping.queries import ShipmentInfo, shipment_of
from shop import stored_texts
from shop.currencies import as_text
from shop.messaging.event_log import TimelineEntry, timeline
from shop.messaging.operations import paused, queries
from shop.messaging.operations.paused import PausedConsumer
from shop.shown_amounts import for_reader

register = template.Library()
register.filter("for_reader", for_reader)
register.filter("stored", stored_texts.translated)
register.filter("words", words)


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
        return steps_of(self.entries)

    @cached_property
    def entries(self) -> list[TimelineEntry]:
        """Events."""
        return timeline(self.order_id)


@register.simple_tag
def panels_of(order_id: UUID) -> Panels:
    """Return the panels of an order."""
    return Panels(order_id)


@register.simple_tag(takes_context=True)
def timeline_rows(context: Context, panels: Panels) -> list[TimelineRow]:
    """Return all that happened to an order and the user may see."""
    may_see = context["request"].user.has_perm("notifications.view_notification")
    return timeline_of(panels.order_id, panels.entries, panels.notifications if may_see else [])


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
    seconds = span.total_seconds()
    if seconds >= 3600 and not seconds % 3600:
        hours = int(seconds // 3600)
        return ngettext("{hours} hour", "{hours} hours", hours).format(hours=hours)
    if seconds >= 60 and not seconds % 60:
        minutes = int(seconds // 60)
        return ngettext("{minutes} minute", "{minutes} minutes", minutes).format(minutes=minutes)
    return gettext("{seconds} seconds").format(seconds=f"{seconds:g}")


@register.inclusion_tag("console/paused_consumers.html")
def paused_consumers() -> dict[str, list[PausedConsumer]]:
    """Render the paused consumers with the number of events held for each."""
    return {"paused": paused.paused_consumers()}


@register.filter
def money(amount: Decimal, currency: str) -> str:
    """Format an amount with the decimals of its currency."""
    return for_reader(f"{as_text(amount, currency)} {currency}")


@register.filter
def percent(share: float) -> str:
    """Format a share of 0 to 1 as ``12.5 %``."""
    return f"{number_format(f'{share * 100:.1f}')} %"


@register.inclusion_tag("console/forged_messages.html")
def forged_messages() -> dict[str, dict[str, int]]:
    """Render the numbers of open forged messages, by app."""
    return {"forged": queries.forged_messages()}
