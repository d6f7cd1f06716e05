"""Target of a replay: the message to be sent and its receivers, or the reason why it cannot be replayed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils.translation import gettext

from shop.messaging.consuming import consumer_of, consumers, events_queue, failures
from shop.messaging.contracts import Reminder, cloudevents
from shop.messaging.dead_letters.errors import NotReplayable
from shop.messaging.errors import MessagingError
from shop.messaging.models import DeadLetter
from shop.messaging.signing.log import is_authentic


@dataclass(frozen=True, slots=True)
class ReplayTarget:
    """An outbox message that replays a dead letter, and the consumers that will receive it."""

    message_id: UUID
    aggregate_id: UUID
    type: str
    #: Name of the queue; empty for all subscribers.
    queue: str
    receivers: tuple[str, ...]
    body: str


def replay_target_of(letter: DeadLetter) -> ReplayTarget:
    """Return the replay target of ``letter``. Raises NotReplayable, with the reason.

    A message that could not be read on arrival is parsed again: a later version of the code may know its
    type.
    """
    if letter.cause == DeadLetter.Cause.FORGED:
        raise NotReplayable(gettext("it does not come from the shop: discard it, or edit it"))
    if letter.event_id and letter.aggregate_id:
        event_id, aggregate_id, type_ = letter.event_id, letter.aggregate_id, letter.type
    else:
        event_id, aggregate_id, type_ = _identify(letter)
    receivers = receivers_of(letter.app, type_)
    queue = events_queue(letter.app) if letter.app else ""
    return ReplayTarget(event_id, aggregate_id, type_, queue, receivers, letter.body)


def receivers_of(app: str, type: str) -> tuple[str, ...]:
    """Return the names of the consumers of a type: of one app, or of all apps if ``app`` is empty.

    Without an app there may be other subscribers outside this project, and the result may be empty.

    Raises:
        NotReplayable: if the app has no consumer of the type.
    """
    if app:
        if not (consumer := consumer_of(app, type)):
            raise NotReplayable(gettext("{app} does not consume {type}").format(app=app, type=type))
        return (consumer.name,)
    return tuple(
        consumer.name
        for consumer in consumers()
        if type in consumer.reads and not issubclass(consumer.event, Reminder)
    )


def parse_body(letter: DeadLetter) -> dict[str, Any]:
    """Return the message as a dict; empty if it is not a JSON object."""
    try:
        message = json.loads(letter.body)
    except (ValueError, RecursionError):
        return {}
    return message if isinstance(message, dict) else {}


def pretty_json(message: object) -> str:
    """Return indented JSON that can be encoded in UTF-8, whatever its sender wrote."""
    try:
        text = json.dumps(message, indent=2, ensure_ascii=False)
    except RecursionError:  # without indentation the C encoder is used, which can go deeper
        text = json.dumps(message)
    return text.encode(errors="backslashreplace").decode()  # an unpaired surrogate cannot be encoded


def uuid_or_none(value: object) -> UUID | None:
    """Return ``value`` as a UUID, or None if it is not one."""
    try:
        return UUID(str(value))
    except ValueError:
        return None


def _identify(letter: DeadLetter) -> tuple[UUID, UUID, str]:
    """Return id, aggregate and type from the message of a letter without them."""
    message = parse_body(letter)
    if letter.cause == DeadLetter.Cause.UNROUTABLE and letter.event_id:  # its type may be unknown here
        return letter.event_id, uuid_or_none(message.get("subject")) or letter.event_id, letter.type
    try:
        event = cloudevents.decode(message)
    except MessagingError as error:
        raise NotReplayable(
            gettext("it cannot be read: fix its sender and discard it, or edit it")
        ) from error
    if not is_authentic(message, letter.body):
        raise NotReplayable(gettext("nothing shows that it comes from the shop: discard it, or edit it"))
    # The inbox keeps its rows for letters with an event id only: a duplicate might be consumed twice.
    if letter.died_at < datetime.now(UTC) - settings.SHOP_INBOX_RETENTION + failures.LONGEST_DELIVERY:
        raise NotReplayable(
            gettext("it is so old that the inbox may have forgotten whether it was consumed since")
        )
    return event.meta.id, event.aggregate_id, event.type
