"""Erasure of what notifications keep about the customers of orders, sent e-mails in files included."""

from collections.abc import Collection
from contextlib import ExitStack
from typing import Any
from uuid import UUID

from notifications.models import Kind, Notification, Recipient, Resend, State
from notifications.send_lock import send_locks
from shop.accounts import confirmation
from shop.messaging.contracts import ERASED
from shop.messaging.publishing import unit_of_work
from shop.privacy.mail_files import erase_mails
from shop.privacy.rows import Rows, rows_of

#: Parts of a context that are personal, and what is put in their place.
_PERSONAL_PARTS: dict[str, Any] = {
    "message": "",
    "tracking_number": "",
    "ship_to": {"name": ERASED, "street": ERASED, "city": ERASED, "postal_code": ERASED, "country": ""},
}


def erase_messages(*, order_ids: Collection[UUID]) -> None:
    """Erase recipients and the contents of messages; what is not sent yet never is. Idempotent.

    It waits for processes that send messages about the orders: they would store what they have read.
    """
    with ExitStack() as locks:
        for kind in Kind:
            locks.enter_context(send_locks(kind, order_ids))
        _erase_rows(order_ids)
    erase_mails([str(order_id) for order_id in order_ids])  # part of the Message-ID


def _erase_rows(order_ids: Collection[UUID]) -> None:
    with unit_of_work():
        recipients = Recipient.objects.filter(pk__in=order_ids)
        confirmation.forget(addresses=list(recipients.values_list("email", flat=True)))
        recipients.update(name=ERASED, email="")
        messages = Notification.objects.filter(order_id__in=order_ids)
        messages.filter(state__in=State.unsent()).update(state=State.FAILED)
        for message in messages:
            context = without_person(message.context)
            neutral = {"name": ERASED, "email": "", "last_error": "", "context": context, "report_detail": ""}
            messages.filter(pk=message.pk).update(**neutral)
        Resend.objects.filter(notification__order_id__in=order_ids).update(email="", error="")


def without_person(context: dict[str, Any]) -> dict[str, Any]:
    """Return the context of a message with neutral values for what is personal."""
    return context | {name: value for name, value in _PERSONAL_PARTS.items() if name in context}


def is_forgotten(name: str, email: str) -> bool:
    """Tell whether these are the name and the address of a customer who was forgotten."""
    return name == ERASED and not email


def personal_data_of(order_ids: Collection[UUID]) -> Rows:
    """Return all that notifications keep about orders, by table."""
    return (
        rows_of(Recipient.objects.filter(pk__in=order_ids))
        | rows_of(Notification.objects.filter(order_id__in=order_ids))
        | rows_of(Resend.objects.filter(notification__order_id__in=order_ids))
    )
