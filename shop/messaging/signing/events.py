"""Signatures of events.

The HMAC covers a label, the event's id, its type and the exact text of its data, each but the last ended by a
line break. None of the first three can contain one, so no two events have the same signed text. The other
attributes (time, subject, trace) are checked for their form alone, see ``contracts/envelope.py``.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from shop.messaging.contracts.envelope import check_envelope
from shop.messaging.errors import InvalidMessage
from shop.messaging.signing.keys import keyring
from shop.postgres import json_text

#: CloudEvents attribute with the signature.
SIGNATURE = "shopsignature"

#: Start of the data, the last attribute of an event as the shop writes it. Within a string of JSON the quotes
#: are escaped, and no other attribute is an object: the first occurrence is the attribute.
_DATA = ', "data": '


def signed(body: str, message_id: UUID, type: str) -> str:
    """Return an event's JSON text with its signature, in place of an earlier one.

    A body that is no event is returned unsigned: its receivers will make it a dead letter.
    """
    head, found, rest = body.partition(_DATA)
    if (
        not found
        or SIGNATURE in head
        or f'"id": "{message_id}"' not in head
        or f'"type": "{type}"' not in head
    ):
        return _signed_anew(body)
    signature = keyring().sign(f"event\n{message_id}\n{type}\n{rest[:-1]}")
    return f'{head}, "{SIGNATURE}": "{signature}"{_DATA}{rest}'


def _signed_anew(body: str) -> str:
    """Sign a body in another form than that of ``cloudevents.encode``: a retry, or an edited copy."""
    try:
        event = json_text.loads(body)
        check_envelope(event)
        data = json_text.dumps(event.pop("data"))
    except (ValueError, KeyError, InvalidMessage):
        return body
    event.pop(SIGNATURE, None)
    signature = keyring().sign(_signed_text(event, data))
    return f"{json_text.dumps({**event, SIGNATURE: signature})[:-1]}{_DATA}{data}}}"


def is_signed(event: dict[str, Any]) -> bool:
    """Return whether the event carries a signature, right or wrong."""
    return SIGNATURE in event


def verifies(event: dict[str, Any], text: str) -> bool:
    """Return whether the shop has signed the event parsed from ``text``.

    A program of the former release, or one between the brokers, may have written the same data in another
    form; the signature is then that of the data as the shop writes it.
    """
    signature, keys = event[SIGNATURE], keyring()
    _, found, rest = text.partition(_DATA)
    if found and keys.verifies(signature, _signed_text(event, rest[:-1])):
        return True
    return keys.verifies(signature, _signed_text(event, json_text.dumps(event.get("data"))))


def _signed_text(event: dict[str, Any], data: str) -> str:
    return f"event\n{event['id']}\n{event['type']}\n{data}"
