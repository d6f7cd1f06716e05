"""Events without a signature: believed if the event log has them.

Such are messages of a release that signed nothing, which still wait in a queue. The shop itself wrote them if
the log has an event of that id with equal type and data. Timers are not logged: they are believed while
``SHOP_ACCEPT_UNSIGNED`` is set, for the time of an upgrade.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
from django.conf import settings
from django.db import connection

from shop.messaging.contracts import STORED, Reminder, as_version, event_type
from shop.messaging.contracts.envelope import check_envelope
from shop.messaging.errors import InvalidMessage, MessagingError
from shop.messaging.signing.events import is_signed, verifies

_LOGGED = "SELECT id::text, type, data::text FROM messaging_eventrecord WHERE id = ANY(%s::uuid[])"


def is_logged(event: dict[str, Any]) -> bool:
    """Return whether the shop has published the event, by its log."""
    return bool(logged([event]))


def is_authentic(event: dict[str, Any], text: str) -> bool:
    """Return whether the event parsed from ``text`` comes from the shop, by its signature or by the log."""
    try:
        check_envelope(event)
    except InvalidMessage:
        return False
    return verifies(event, text) if is_signed(event) else is_logged(event)


def logged(events: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return those of the events that the shop has published, by one statement.

    The events have valid envelopes.
    """
    with connection.cursor() as cursor:
        cursor.execute(_LOGGED, [[event["id"] for event in events]])
        records = {row[0]: row[1:] for row in cursor.fetchall()}
    return [event for event in events if _equals(event, records.get(event["id"])) or _is_timer(event)]


def _equals(event: dict[str, Any], record: tuple[str, str] | None) -> bool:
    if record is None:
        return False
    type_, data = record
    if type_ != event["type"]:
        return _is_older_copy(event, type_, data)
    return _sorted(orjson.loads(data)) == _sorted(event.get("data"))


def _is_older_copy(event: dict[str, Any], type_: str, data: str) -> bool:
    """Return whether the event is the logged one in an older version, as it was sent to old readers."""
    try:
        copy = as_version(
            event_type(type_).model_validate_json(data, context=STORED), event_type(event["type"])
        )
    except (MessagingError, ValueError):
        return False
    return _sorted(copy.model_dump(mode="json")) == _sorted(event.get("data"))


def _is_timer(event: dict[str, Any]) -> bool:
    if not settings.SHOP_ACCEPT_UNSIGNED:
        return False
    try:
        return issubclass(event_type(event["type"]), Reminder)
    except MessagingError:
        return False


def _sorted(data: object) -> bytes:
    """Return data as comparable text. Unlike with ``==``, true is not 1."""
    return orjson.dumps(data, option=orjson.OPT_SORT_KEYS)
