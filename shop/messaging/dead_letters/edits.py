"""Edit and replay: an edited copy of a dead letter's event, with a new id, replaces it."""

from __future__ import annotations

import difflib
import json
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.utils.translation import gettext
from pydantic import ValidationError

from shop.ids import uuid7
from shop.messaging.consuming import events_queue
from shop.messaging.contracts import Event, cloudevents, event_type
from shop.messaging.contracts.envelope import check_envelope
from shop.messaging.dead_letters.actions import close_letter, lock_open_letter, require_reason
from shop.messaging.dead_letters.errors import InvalidCopy, NotReplayable
from shop.messaging.dead_letters.replay_target import parse_body, pretty_json, receivers_of, uuid_or_none
from shop.messaging.errors import MessagingError
from shop.messaging.models import DeadLetter
from shop.messaging.outbox import append
from shop.messaging.signing.events import SIGNATURE
from shop.messaging.signing.log import is_authentic

_MARK_CONSUMED = """
    INSERT INTO messaging_inboxentry (event_id, consumer) SELECT %s, unnest(%s::text[])
    ON CONFLICT (event_id, consumer) DO NOTHING
"""

#: Number of problems that an operator is shown at once.
_MAX_PROBLEMS = 50


def edits_whole_message(letter: DeadLetter) -> bool:
    """Return whether the whole message has to be edited, and not its data alone.

    The relay signs the copy: by editing a forged message an operator vouches for all that it says.
    """
    is_unproven = letter.cause in (DeadLetter.Cause.UNREADABLE, DeadLetter.Cause.FORGED)
    return is_unproven or not isinstance(parse_body(letter).get("data"), dict)


def editable_text(letter: DeadLetter) -> str:
    """Return the text that an operator edits: the event's data, or the whole message if it is unreadable."""
    message = parse_body(letter)
    if not message:
        return letter.body
    return pretty_json(message if edits_whole_message(letter) else message["data"])


def replace_dead_letter(*, dead_letter_id: int, text: str, by: str, reason: str) -> DeadLetter:
    """Deliver an edited copy instead of the event: new id, same aggregate, caused by the event.

    The copy goes to the consumer that failed, or to all subscribers if the event was unroutable. They skip
    the original from now on, should a duplicate of it arrive. The copy is not added to the event log: it
    corrects a delivery, not the facts.

    Raises:
        InvalidCopy: if the text is not an event that the consumer accepts.
        NotOpen: if the letter is closed.
        NotReplayable: if the event was consumed in the meantime, or the app does not consume it.
        ReasonMissing: if the reason is blank.
    """
    require_reason(reason)
    with transaction.atomic():
        letter = lock_open_letter(dead_letter_id)
        body = _copy(letter, text)
        copy = cloudevents.decode(body)
        receivers = receivers_of(letter.app, copy.type)
        _mark_original_consumed(letter, receivers)
        append.enqueue(
            message_id=copy.meta.id,
            aggregate_id=copy.aggregate_id,
            type=copy.type,
            queue=events_queue(letter.app) if letter.app else "",
            body=json.dumps(body),
            headers={},
        )
        return close_letter(letter, DeadLetter.Status.REPLACED, action="edit", by=by, reason=reason,
                            copy_id=copy.meta.id, diff=_diff(letter, text))  # fmt: skip


def _copy(letter: DeadLetter, text: str) -> dict[str, Any]:
    """Return the edited CloudEvent, validated against the schema of its type."""
    original, edited = parse_body(letter), _parse(text)
    message = edited if edits_whole_message(letter) else {**original, "data": edited}
    if original_id := uuid_or_none(original.get("id")):
        message["causationid"] = str(original_id)
        message.setdefault("correlationid", str(original_id))
    message["id"] = str(uuid7())
    message.pop(SIGNATURE, None)  # the relay signs the copy
    event = _read(message)
    _check_fields(type(event), message["data"], original.get("data"))
    aggregate_id = letter.aggregate_id or uuid_or_none(original.get("subject"))
    if aggregate_id and event.aggregate_id != aggregate_id:
        text = gettext("{field}: the copy has to be about {id}, as the event is")
        raise InvalidCopy(text.format(field=event.aggregate, id=aggregate_id))
    message["subject"] = str(event.aggregate_id)
    return message


def _parse(text: str) -> dict[str, Any]:
    try:
        edited = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidCopy(gettext("This is not JSON: {error}").format(error=error)) from error
    if not isinstance(edited, dict):
        raise InvalidCopy(gettext("This is JSON, but not an object: it has to begin with a brace"))
    return edited


def _read(message: dict[str, Any]) -> Event:
    """Decode the message. Raises InvalidCopy, with a line for each invalid field."""
    try:
        check_envelope(message)
        event_type(message["type"]).model_validate(message.get("data"))
        return cloudevents.decode(message)
    except ValidationError as error:
        problems = [
            (".".join(map(str, e["loc"])) or "data", e["msg"]) for e in error.errors()[:_MAX_PROBLEMS]
        ]
        raise InvalidCopy("\n".join(f"{field}: {problem}" for field, problem in problems)) from error
    except MessagingError as error:
        raise InvalidCopy(str(error)) from error


def _check_fields(event: type[Event], data: dict[str, Any], original: object) -> None:
    """Reject fields unknown to schema and original. Consumers would ignore them: they are typing errors."""
    known = {*event.model_fields, *(original if isinstance(original, dict) else ())}
    if unknown := sorted(set(data) - known):
        text = gettext("{name}: {type} has no such field")
        raise InvalidCopy(
            "\n".join(text.format(name=name, type=event.type) for name in unknown[:_MAX_PROBLEMS])
        )


def _mark_original_consumed(letter: DeadLetter, receivers: tuple[str, ...]) -> None:
    """Insert the original into the inbox of the receivers, if it is an event of the shop.

    Raises NotReplayable if one of them has consumed it: the copy, having another id, would take effect too.
    """
    original_id: UUID | None = letter.event_id
    if not original_id and is_authentic(original := parse_body(letter), letter.body):
        original_id = UUID(original["id"])
    if not original_id:
        return
    with connection.cursor() as cursor:
        cursor.execute(_MARK_CONSUMED, [original_id, list(receivers)])
        if letter.event_id and cursor.rowcount < len(receivers):
            text = gettext(
                "the event has been consumed meanwhile ({receivers}): a copy would take effect a second time"
            )
            raise NotReplayable(text.format(receivers=", ".join(receivers)))


def _diff(letter: DeadLetter, text: str) -> str:
    before, after = editable_text(letter).splitlines(), pretty_json(_parse(text)).splitlines()
    return "\n".join(difflib.unified_diff(before, after, "event", "copy", lineterm="", n=2))
