"""The wire: CloudEvents 1.0 in structured JSON mode, one a message or several in a JSON batch, and back."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from shop.messaging.contracts import Event, Meta, event_type
from shop.messaging.errors import InvalidMessage

CONTENT_TYPE = "application/cloudevents+json"
BATCH_CONTENT_TYPE = "application/cloudevents-batch+json"
#: Stands between the events of a batch, and never in one: JSON escapes line breaks.
_BETWEEN = ",\n"


def encode(event: Event, data: str | None = None) -> str:
    """Write a published event as a CloudEvent; ``data`` is its data as JSON, where it exists already."""
    meta = event.meta
    attributes = {
        "specversion": "1.0",
        "id": str(meta.id),
        "source": f"/shop/{event.app}",
        "type": event.type,
        "subject": str(event.aggregate_id),
        "time": meta.time.isoformat().replace("+00:00", "Z"),
        "datacontenttype": "application/json",
        "correlationid": str(meta.correlation_id),
    }
    if meta.causation_id:
        attributes["causationid"] = str(meta.causation_id)
    if meta.traceparent:
        attributes["traceparent"] = meta.traceparent
    return f'{json.dumps(attributes)[:-1]}, "data": {data or event.model_dump_json()}}}'


def decode(message: Any) -> Event:
    """Read a CloudEvent that has been parsed from JSON.

    Raises InvalidMessage, naming what is wrong, and UnknownEventType.
    """
    check_envelope(message)
    kind = event_type(message["type"])
    try:
        meta = Meta(
            id=UUID(message["id"]),
            time=datetime.fromisoformat(message["time"]),
            correlation_id=UUID(message.get("correlationid") or message["id"]),
            causation_id=UUID(message["causationid"]) if message.get("causationid") else None,
            traceparent=message.get("traceparent"),
        )
        return kind.model_validate(message["data"]).become_known(meta)
    except KeyError as error:
        raise InvalidMessage(f"{kind.type}: the CloudEvent has no {error}") from error
    except ValidationError as error:
        raise InvalidMessage(f"{kind.type}: its data does not fit the schema: {error}") from error
    except (TypeError, ValueError) as error:
        raise InvalidMessage(f"{kind.type}: a malformed id or time: {error}") from error


def encode_batch(events: Sequence[str]) -> str:
    """Write a batch of encoded events."""
    return f"[{_BETWEEN.join(events)}]"


def parse_batch(text: str) -> list[tuple[Any, str]]:
    """Parse a batch and return its events, each also as the JSON it was. ValueError if it is none."""
    try:
        return [(json.loads(event), event) for event in text[1:-1].split(_BETWEEN)]
    except ValueError:  # as others write it
        events = json.loads(text)
        if not isinstance(events, list) or not events:
            raise ValueError("a batch is a list of events") from None
        return [(event, json.dumps(event)) for event in events]


def check_envelope(message: Any) -> None:
    """Raise InvalidMessage unless ``message`` has what every CloudEvent has."""
    if not isinstance(message, dict):
        raise InvalidMessage("the body is JSON, but no object")
    if message.get("specversion") != "1.0":
        raise InvalidMessage(f"specversion is {message.get('specversion')!r}, not '1.0'")
    for name in ("id", "source", "type"):
        if not isinstance(message.get(name), str) or not message[name]:
            raise InvalidMessage(f"the CloudEvent has no {name}")
