"""The wire: one CloudEvents 1.0 message in structured JSON mode per event, and back."""

import json
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from shop.messaging.contracts import Event, Meta, event_type
from shop.messaging.errors import InvalidMessage

CONTENT_TYPE = "application/cloudevents+json"


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


def check_envelope(message: Any) -> None:
    """Raise InvalidMessage unless ``message`` has what every CloudEvent has."""
    if not isinstance(message, dict):
        raise InvalidMessage("the body is JSON, but no object")
    if message.get("specversion") != "1.0":
        raise InvalidMessage(f"specversion is {message.get('specversion')!r}, not '1.0'")
    for name in ("id", "source", "type"):
        if not isinstance(message.get(name), str) or not message[name]:
            raise InvalidMessage(f"the CloudEvent has no {name}")
