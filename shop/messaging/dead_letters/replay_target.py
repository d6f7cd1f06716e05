"""How a dead letter would be delivered again: who gets it, and why it cannot be."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.conf import settings

from shop.messaging.consuming import consumer_of, consumers, events_queue, failures
from shop.messaging.contracts import Reminder, cloudevents
from shop.messaging.dead_letters.errors import NotReplayable
from shop.messaging.errors import MessagingError
from shop.messaging.models import DeadLetter


@dataclass(frozen=True, slots=True)
class ReplayTarget:
    """A message as it would leave the outbox again, and the consumers that would take it."""

    message_id: UUID
    aggregate_id: UUID
    type: str
    #: Empty for everybody who subscribed.
    queue: str
    receivers: tuple[str, ...]
    body: str


def replay_target_of(letter: DeadLetter) -> ReplayTarget:
    """How ``letter`` would be delivered; NotReplayable with the reason if it cannot be.

    What could not be read when it came is read once more: a later version of the code may know it.
    """
    if letter.event_id and letter.aggregate_id:
        event_id, aggregate_id, type_ = letter.event_id, letter.aggregate_id, letter.type
    else:
        event_id, aggregate_id, type_ = _read(letter)
    receivers = receivers_of(letter.app, type_)
    queue = events_queue(letter.app) if letter.app else ""
    return ReplayTarget(event_id, aggregate_id, type_, queue, receivers, letter.body)


def receivers_of(app: str, type: str) -> tuple[str, ...]:
    """Who takes events of this type: the consumer of the app, or all who subscribe where none is named.

    NotReplayable if the app has no consumer for them. Where nobody here subscribes, somebody outside may.
    """
    if app:
        if not (consumer := consumer_of(app, type)):
            raise NotReplayable(f"{app} does not consume {type}")
        return (consumer.name,)
    subscribed = (c for c in consumers() if type in c.reads and not issubclass(c.event, Reminder))
    return tuple(consumer.name for consumer in subscribed)


def parsed(letter: DeadLetter) -> dict[str, Any]:
    """The message as far as it is JSON; empty where it is none."""
    try:
        message = json.loads(letter.body)
    except (ValueError, RecursionError):
        return {}
    return message if isinstance(message, dict) else {}


def pretty(message: object) -> str:
    """JSON for people, whatever a stranger has put into it."""
    try:
        text = json.dumps(message, indent=2, ensure_ascii=False)
    except RecursionError:  # deeply nested; without the indents it goes deeper
        text = json.dumps(message)
    return text.encode(errors="backslashreplace").decode()  # half a surrogate pair is no UTF-8


def as_uuid(value: object) -> UUID | None:
    """``value`` as a UUID; None where it is none."""
    try:
        return UUID(str(value))
    except ValueError:
        return None


def _read(letter: DeadLetter) -> tuple[UUID, UUID, str]:
    """Id, aggregate and type of a message of which the letter knows only the text."""
    message = parsed(letter)
    if letter.cause == DeadLetter.Cause.UNROUTABLE and letter.event_id:  # it need not be known here
        return letter.event_id, as_uuid(message.get("subject")) or letter.event_id, letter.type
    try:
        event = cloudevents.decode(message)
    except MessagingError as error:
        raise NotReplayable("it cannot be read: mend its sender and discard it, or edit it") from error
    # What is known by its id, the inbox remembers as long as there is a letter of it.
    if letter.died_at < datetime.now(UTC) - settings.SHOP_INBOX_RETENTION + failures.LONGEST_DELIVERY:
        raise NotReplayable("it is so old that the inbox may have forgotten whether it was consumed since")
    return event.meta.id, event.aggregate_id, event.type
