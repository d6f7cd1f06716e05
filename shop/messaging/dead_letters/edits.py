"""Edit and replay: a mended copy of a dead letter, with an id of its own, takes the letter's place."""

from __future__ import annotations

import difflib
import json
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from pydantic import ValidationError

from shop.ids import uuid7
from shop.messaging.consuming import events_queue
from shop.messaging.contracts import Event, cloudevents, event_type
from shop.messaging.dead_letters.actions import close, demand, open_letter
from shop.messaging.dead_letters.errors import InvalidCopy, NotReplayable
from shop.messaging.dead_letters.replay_target import as_uuid, parsed, pretty, receivers_of
from shop.messaging.errors import MessagingError
from shop.messaging.models import DeadLetter
from shop.messaging.outbox import append

_SETTLE = """
    INSERT INTO messaging_inboxentry (event_id, consumer) SELECT %s, unnest(%s::text[])
    ON CONFLICT (event_id, consumer) DO NOTHING
"""


def is_whole(letter: DeadLetter) -> bool:
    """Whether the whole message has to be edited, for nothing in it can be relied on."""
    return letter.cause == DeadLetter.Cause.UNREADABLE or not isinstance(parsed(letter).get("data"), dict)


def editable_text(letter: DeadLetter) -> str:
    """What an operator may edit: the event's data, or the whole message where it cannot be read."""
    message = parsed(letter)
    if not message:
        return letter.body
    return pretty(message if is_whole(letter) else message["data"])


def replace_dead_letter(*, dead_letter_id: int, text: str, by: str, reason: str) -> DeadLetter:
    """Deliver an edited copy in the place of the event: new id, caused by the event, same aggregate.

    It goes to the consumer that failed, or to all who subscribe if the event was unroutable. They will
    not consume the event itself any more, should a late duplicate come. The copy is not in the log: it
    corrects a delivery, not what has happened. Raises InvalidCopy, NotOpen, NotReplayable, ReasonMissing.
    """
    demand(reason)
    with transaction.atomic():
        letter = open_letter(dead_letter_id)
        body = _copy(letter, text)
        copy = cloudevents.decode(body)
        receivers = receivers_of(letter.app, copy.type)
        _settle_original(letter, receivers)
        append.enqueue(
            message_id=copy.meta.id,
            aggregate_id=copy.aggregate_id,
            type=copy.type,
            queue=events_queue(letter.app) if letter.app else "",
            body=json.dumps(body),
            headers={},
        )
        return close(letter, DeadLetter.Status.REPLACED, action="edit", by=by, reason=reason,
                     copy_id=copy.meta.id, diff=_diff(letter, text))  # fmt: skip


def _copy(letter: DeadLetter, text: str) -> dict[str, Any]:
    """The CloudEvent that ``text`` makes of the letter, checked against the schema of its type."""
    original, written = parsed(letter), _parse(text)
    message = written if is_whole(letter) else {**original, "data": written}
    if original_id := as_uuid(original.get("id")):
        message["causationid"] = str(original_id)
        message.setdefault("correlationid", str(original_id))
    message["id"] = str(uuid7())
    event = _read(message)
    _check_fields(type(event), message["data"], original.get("data"))
    known = letter.aggregate_id or as_uuid(original.get("subject"))
    if known and event.aggregate_id != known:
        raise InvalidCopy(f"{event.aggregate}: the copy has to be about {known}, as the event is")
    message["subject"] = str(event.aggregate_id)
    return message


def _parse(text: str) -> dict[str, Any]:
    try:
        written = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidCopy(f"This is no JSON: {error}") from error
    if not isinstance(written, dict):
        raise InvalidCopy("This is JSON, but no object: it has to begin with {")
    return written


def _read(message: dict[str, Any]) -> Event:
    """Read a message, and say what is wrong so that a person can mend it."""
    try:
        cloudevents.check_envelope(message)
        event_type(message["type"]).model_validate(message.get("data"))
        return cloudevents.decode(message)
    except ValidationError as error:
        places = [(".".join(map(str, e["loc"])) or "data", e["msg"]) for e in error.errors()]
        raise InvalidCopy("\n".join(f"{place}: {says}" for place, says in places)) from error
    except MessagingError as error:
        raise InvalidCopy(str(error)) from error


def _check_fields(event: type[Event], data: dict[str, Any], original: object) -> None:
    """Readers ignore what they do not know; in a field written by hand that is a slip of the pen."""
    known = {*event.model_fields, *(original if isinstance(original, dict) else ())}
    if unknown := sorted(set(data) - known):
        raise InvalidCopy("\n".join(f"{name}: {event.type} has no such field" for name in unknown))


def _settle_original(letter: DeadLetter, receivers: tuple[str, ...]) -> None:
    """Have the consumers take the event for consumed; NotReplayable if one of them has consumed it.

    Else a copy with a new id would take effect besides the event.
    """
    original_id: UUID | None = letter.event_id or as_uuid(parsed(letter).get("id"))
    if not original_id:
        return
    with connection.cursor() as cursor:
        cursor.execute(_SETTLE, [original_id, list(receivers)])
        if letter.event_id and cursor.rowcount < len(receivers):
            raise NotReplayable(
                f"the event has been consumed meanwhile ({' or '.join(receivers)}): "
                "a copy would take effect a second time"
            )


def _diff(letter: DeadLetter, text: str) -> str:
    before, after = editable_text(letter).splitlines(), pretty(_parse(text)).splitlines()
    return "\n".join(difflib.unified_diff(before, after, "event", "copy", lineterm="", n=2))
