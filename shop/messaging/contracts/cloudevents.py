"""Wire format: CloudEvents 1.0 in structured JSON mode, single or in JSON batches."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter, ValidationError

from shop.messaging.contracts.envelope import check_envelope, valid_traceparent
from shop.messaging.contracts.event import Event, Meta, event_type
from shop.messaging.errors import InvalidMessage
from shop.postgres import json_text

CONTENT_TYPE = "application/cloudevents+json"
BATCH_CONTENT_TYPE = "application/cloudevents-batch+json"
#: Separator of the events in a batch. It occurs in no event: JSON escapes line breaks.
_SEPARATOR = ",\n"

#: Parses an id in a third of the time of UUID().
_uuid = TypeAdapter(UUID).validator.validate_python


def encode(event: Event) -> str:
    """Serialize a published event as a CloudEvent."""
    return f"{head(event)}{event.model_dump_json()}}}"


def head(event: Event) -> str:
    """Serialize a published event up to its data, after which only the closing brace follows."""
    meta = event.meta
    causation = f', "causationid": "{meta.causation_id}"' if meta.causation_id else ""
    traceparent = f', "traceparent": {json_text.dumps(meta.traceparent)}' if meta.traceparent else ""
    # All other values are free of characters that JSON escapes.
    return (
        f'{{"specversion": "1.0", "id": "{meta.id}", "source": "/shop/{event.app}", "type": "{event.type}",'
        f' "subject": "{event.aggregate_id}", "time": "{meta.time.isoformat().replace("+00:00", "Z")}",'
        f' "datacontenttype": "application/json", "correlationid": "{meta.correlation_id}"{causation}'
        f'{traceparent}, "data": '
    )


def decode(message: Any) -> Event:
    """Return the event in a CloudEvent parsed from JSON.

    Raises:
        InvalidMessage: it is not a CloudEvent, or its data does not fit the schema.
        UnknownEventType: no event class is registered for its type.
    """
    check_envelope(message)
    return read(message)


def read(message: Any) -> Event:
    """Return the event in a CloudEvent whose envelope is checked already; otherwise as :func:`decode`."""
    kind = event_type(message["type"])
    try:
        meta = _meta_of(message)
        return kind.restore(message["data"]).attach_meta(meta)
    except KeyError as error:
        raise InvalidMessage(f"{kind.type}: the CloudEvent has no {error}") from error
    except ValidationError as error:
        raise InvalidMessage(f"{kind.type}: its data does not fit the schema: {_where(error)}") from None


def _where(error: ValidationError) -> str:
    """Return the fields that do not fit, and why, without their values."""
    problems = error.errors(include_url=False, include_context=False, include_input=False)
    return ", ".join(f"{'.'.join(map(str, one['loc'])) or 'data'} ({one['type']})" for one in problems[:20])


def _meta_of(message: Any) -> Meta:
    try:
        return Meta(
            id=_uuid(message["id"]),
            time=datetime.fromisoformat(message["time"]),
            correlation_id=_uuid(message.get("correlationid") or message["id"]),
            causation_id=_uuid(message["causationid"]) if message.get("causationid") else None,
            traceparent=valid_traceparent(message.get("traceparent")),
        )
    except (TypeError, ValueError):
        raise InvalidMessage(f"{message['type']}: malformed id or time") from None


def encode_batch(events: Sequence[str]) -> str:
    """Join serialized events to a batch."""
    return f"[{_SEPARATOR.join(events)}]"


def split_batch(text: str) -> list[str]:
    """Return the parts of a batch that are its events, if the shop has written it."""
    return text[1:-1].split(_SEPARATOR)


def parse_batch(text: str) -> list[tuple[Any, str]]:
    """Parse a batch into its events, each with its own JSON text.

    Raises:
        ValueError: the text is not a batch.
    """
    try:
        return [(json_text.loads(event), event) for event in split_batch(text)]
    except ValueError:  # a batch of another producer
        events = json_text.loads(text)
        if not isinstance(events, list) or not events:
            raise ValueError("a batch is a list of events") from None
        return [(event, json_text.dumps(event)) for event in events]
