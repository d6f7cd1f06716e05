"""The wire: CloudEvents 1.0 in structured JSON mode, one a message or several in a JSON batch, and back."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter, ValidationError

from shop.messaging.contracts.event import Event, Meta, event_type
from shop.messaging.errors import InvalidMessage
from shop.postgres import json_text

CONTENT_TYPE = "application/cloudevents+json"
BATCH_CONTENT_TYPE = "application/cloudevents-batch+json"
#: Stands between the events of a batch, and never in one: JSON escapes line breaks.
_BETWEEN = ",\n"

#: Reads an id in a third of the time that UUID() takes.
_uuid = TypeAdapter(UUID).validator.validate_python


def encode(event: Event, data: str | None = None) -> str:
    """Write a published event as a CloudEvent; ``data`` is its data as JSON, where it exists already."""
    meta = event.meta
    causation = f', "causationid": "{meta.causation_id}"' if meta.causation_id else ""
    traceparent = f', "traceparent": {json_text.dumps(meta.traceparent)}' if meta.traceparent else ""
    # None of the other values has anything that JSON would escape.
    return (
        f'{{"specversion": "1.0", "id": "{meta.id}", "source": "/shop/{event.app}", "type": "{event.type}",'
        f' "subject": "{event.aggregate_id}", "time": "{meta.time.isoformat().replace("+00:00", "Z")}",'
        f' "datacontenttype": "application/json", "correlationid": "{meta.correlation_id}"{causation}'
        f'{traceparent}, "data": {data or event.model_dump_json()}}}'
    )


def decode(message: Any) -> Event:
    """Read a CloudEvent that has been parsed from JSON.

    Raises InvalidMessage, naming what is wrong, and UnknownEventType.
    """
    check_envelope(message)
    kind = event_type(message["type"])
    try:
        meta = _meta_of(message)
        return kind.model_validate(message["data"]).become_known(meta)
    except KeyError as error:
        raise InvalidMessage(f"{kind.type}: the CloudEvent has no {error}") from error
    except ValidationError as error:
        raise InvalidMessage(f"{kind.type}: its data does not fit the schema: {error}") from error


def _meta_of(message: Any) -> Meta:
    try:
        return Meta(
            id=_uuid(message["id"]),
            time=datetime.fromisoformat(message["time"]),
            correlation_id=_uuid(message.get("correlationid") or message["id"]),
            causation_id=_uuid(message["causationid"]) if message.get("causationid") else None,
            traceparent=message.get("traceparent"),
        )
    except (TypeError, ValueError) as error:
        raise InvalidMessage(f"{message['type']}: a malformed id or time: {error}") from error


def encode_batch(events: Sequence[str]) -> str:
    """Write a batch of encoded events."""
    return f"[{_BETWEEN.join(events)}]"


def parse_batch(text: str) -> list[tuple[Any, str]]:
    """Parse a batch and return its events, each also as the JSON it was. ValueError if it is none."""
    try:
        return [(json_text.loads(event), event) for event in text[1:-1].split(_BETWEEN)]
    except ValueError:  # as others write it
        events = json_text.loads(text)
        if not isinstance(events, list) or not events:
            raise ValueError("a batch is a list of events") from None
        return [(event, json_text.dumps(event)) for event in events]


def check_envelope(message: Any) -> None:
    """Raise InvalidMessage unless ``message`` has what every CloudEvent has."""
    if not isinstance(message, dict):
        raise InvalidMessage("the body is JSON, but no object")
    if message.get("specversion") != "1.0":
        raise InvalidMessage(f"specversion is {message.get('specversion')!r}, not '1.0'")
    for name in ("id", "source", "type"):
        if not isinstance(message.get(name), str) or not message[name]:
            raise InvalidMessage(f"the CloudEvent has no {name}")
