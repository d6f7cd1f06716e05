"""Queries of notifications: the messages about orders, as plain data."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from notifications.models import Notification, Recipient, State
from shop.waiting import Waiting, waiting


@dataclass(frozen=True, slots=True)
class NotificationSummary:
    """A message about an order, and its state."""

    id: UUID
    order_id: UUID
    kind: str
    state: str
    email: str
    subject: str
    attempts: int
    last_error: str
    created_at: datetime
    sent_at: datetime | None
    report: str
    reported_at: datetime | None
    report_detail: str

    @property
    def can_be_resent(self) -> bool:
        """True unless the message still waits to be sent."""
        return self.state not in State.unsent()


_FIELDS = tuple(NotificationSummary.__annotations__)


def notifications_of(order_id: UUID) -> list[NotificationSummary]:
    """Return the messages about an order, oldest first."""
    rows = Notification.objects.filter(order_id=order_id).order_by("id").values(*_FIELDS)
    return [NotificationSummary(**row) for row in rows]


def address_of(order_id: UUID) -> str:
    """Return the address that letters about an order go to; empty if there is none."""
    found = Recipient.objects.filter(pk=order_id).values_list("email", flat=True).first()
    return found or ""


def messages_waiting() -> Waiting:
    """Return the messages whose address the mail server refused: they are sent again by a person."""
    return waiting(Notification.objects.filter(state=State.FAILED), "created_at")


def kinds_by_order() -> Iterator[tuple[UUID, str, str]]:
    """Stream order, kind and state of every message, by order; for audits."""
    rows = Notification.objects.order_by("order_id").values_list("order_id", "kind", "state")
    yield from rows.iterator(chunk_size=5000)
