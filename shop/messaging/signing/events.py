"""Signatures of events.

The HMAC covers a label, the event's id, its type and the exact text of its data, each but the last ended by a
line break. None of the first three can contain one, so no two events have the same signed text. The other
attributes (time, subject, trace) are checked for their form alone, see ``contracts/envelope.py``.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple
from uuid import UUID

from shop.messaging.contracts.envelope import check_envelope
from shop.messaging.errors import InvalidMessage
from shop.messaging.signing.keys import Keyring, keyring
from shop.postgres import json_text

#: CloudEvents attribute with the signature.
SIGNATURE = "shopsignature"

#: Start of the data, the last attribute of an event as the shop writes it. Within a string of JSON the quotes
#: are escaped, and no other attribute is an object: the first occurrence is the attribute.
_DATA = ', "data": '

_ID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
#: Envelope of an event as the relay writes it, up to its data; see ``cloudevents.encode`` and ``signed``.
_WIRE = re.compile(
    rf'{{"specversion": "1\.0", "id": "({_ID})", "source": "/shop/[a-z_]{{1,50}}", '
    rf'"type": "([A-Za-z0-9_.-]{{1,100}})", "subject": "({_ID})", '
    r'"time": "20[0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,6})?Z", '
    rf'"datacontenttype": "application/json", "correlationid": "{_ID}"(?:, "causationid": "{_ID}")?'
    r'(?:, "traceparent": "[0-9a-f-]{55}")?, "shopsignature": "([0-9a-f]{8}\.[0-9a-f]{64})", "data": '
).match


def signed(body: str, message_id: UUID, type: str, keys: Keyring | None = None) -> str:
    """Return an event's JSON text with its signature, in place of an earlier one.

    A body that is no event is returned unsigned: its receivers will make it a dead letter.
    """
    keys = keys or keyring()
    head, found, rest = body.partition(_DATA)
    if (
        not found
        or SIGNATURE in head
        or f'"id": "{message_id}"' not in head
        or f'"type": "{type}"' not in head
    ):
        return _signed_anew(body, keys)
    signature = keys.sign(f"event\n{message_id}\n{type}\n{rest[:-1]}")
    return f'{head}, "{SIGNATURE}": "{signature}"{_DATA}{rest}'


def _signed_anew(body: str, keys: Keyring) -> str:
    """Sign a body in another form than that of ``cloudevents.encode``: a retry, or an edited copy."""
    try:
        event = json_text.loads(body)
        check_envelope(event)
        data = json_text.dumps(event.pop("data"))
    except (ValueError, KeyError, InvalidMessage):
        return body
    event.pop(SIGNATURE, None)
    signature = keys.sign(_signed_text(event, data))
    return f"{json_text.dumps({**event, SIGNATURE: signature})[:-1]}{_DATA}{data}}}"


class Recognised(NamedTuple):
    """An event whose envelope is well-formed and whose signature is right, unparsed."""

    type: str
    subject: str


def recognise(text: str) -> Recognised | None:
    """Return the event in ``text`` if it is as the relay of this release writes and signs it, otherwise None.

    It need not be parsed: the pattern is that of a valid envelope, and the data is what the shop has signed.
    """
    if not (match := _WIRE(text)) or text[-1] != "}":
        return None
    id_, type_, subject, signature = match.groups()
    if not keyring().verifies(signature, f"event\n{id_}\n{type_}\n{text[match.end() : -1]}"):
        return None
    return Recognised(type_, subject)


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
