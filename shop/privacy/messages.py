"""Erasure of personal facts from the kernel's messages about orders: dead letters and what is to be sent.

Sealed facts are gone with their key. This is about facts from before they were sealed, and about the words of
errors.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from django.db.models import Q

from shop.messaging.contracts import ERASED, event_type, newest, seals_of
from shop.messaging.errors import UnknownEventType
from shop.messaging.models import DeadLetter, DeadLetterAction, OutboxEntry, ScheduledMessage
from shop.postgres import json_text
from shop.privacy.rows import Rows, rows_of


def erase_messages(order_ids: Collection[UUID]) -> None:
    """Erase personal facts from dead letters, retries and outbox entries about orders."""
    for letter in dead_letters_about(order_ids):
        letter.body, letter.error, letter.traceback = without_facts(letter.body), ERASED, ""
        letter.save(update_fields=["body", "error", "traceback"])
    DeadLetterAction.objects.filter(dead_letter__in=dead_letters_about(order_ids)).update(diff="")
    waiting = ScheduledMessage.objects.filter(aggregate_id__in=order_ids)
    for message in waiting.exclude(kind=ScheduledMessage.Kind.REMINDER):
        message.body, message.last_error = without_facts(message.body), ""
        message.save(update_fields=["body", "last_error"])
    for entry in OutboxEntry.objects.filter(body__regex=_any_of(order_ids)) if order_ids else ():
        OutboxEntry.objects.filter(pk=entry.pk).update(body=without_facts(entry.body))


def messages_about(order_ids: Collection[UUID]) -> Rows:
    """Return dead letters and waiting messages about orders, by table."""
    waiting = ScheduledMessage.objects.filter(aggregate_id__in=order_ids)
    return rows_of(dead_letters_about(order_ids)) | rows_of(waiting)


def dead_letters_about(order_ids: Collection[UUID]) -> Any:
    """Return the dead letters about orders, those among them too that could not be read."""
    if not order_ids:
        return DeadLetter.objects.none()
    unread = Q(aggregate_id__isnull=True, body__regex=_any_of(order_ids))
    return DeadLetter.objects.filter(Q(aggregate_id__in=order_ids) | unread)


def without_facts(body: str) -> str:
    """Return a message with neutral facts in the place of personal ones; nothing of an unreadable one."""
    try:
        message = json_text.loads(body)
        kind = newest(event_type(message["type"]))
        data: dict[str, Any] = message["data"]
        for seals in seals_of(kind).values():
            facts: Any = seals.facts
            neutral = facts.erased().model_dump(mode="json")
            data |= {name: value for name, value in neutral.items() if name in data}
    except (ValueError, KeyError, TypeError, UnknownEventType):
        return ERASED
    return json_text.dumps(message)


def _any_of(order_ids: Collection[UUID]) -> str:
    return "|".join(map(str, order_ids))
