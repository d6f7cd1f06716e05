"""Example messages of events, made from their schemas."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from shop.messaging.contracts import Event, Meta, cloudevents
from shop.messaging.documents.schemas import schema_of

_ID = UUID("0199b1d0-0000-7000-8000-000000000001")
_TIME = datetime(2026, 12, 24, 12, tzinfo=UTC)
#: Example values by JSON type or format.
_EXAMPLES = {
    "uuid": str(_ID),
    "date-time": _TIME.isoformat(),
    "date": "2026-12-24",
    "string": "text",
    "integer": 1,
    "number": 1.5,
    "boolean": True,
    "null": None,
}


def example_of(kind: type[Event]) -> Any:
    """Return a message of this type and version."""
    event = kind.model_validate(_example_value(schema_of(kind))).with_meta(Meta(_ID, _TIME, _ID))
    return json.loads(cloudevents.encode(event))


def _example_value(schema: dict[str, Any]) -> Any:
    """Return a value that is valid for the schema. A field with a pattern has to declare ``examples=``."""
    if values := schema.get("examples") or schema.get("enum"):
        return values[0]
    if "const" in schema:
        return schema["const"]
    if "anyOf" in schema:
        return _example_value(schema["anyOf"][0])
    if schema.get("type") == "object":
        return {name: _example_value(part) for name, part in schema.get("properties", {}).items()}
    if schema.get("type") == "array":
        return [_example_value(schema["items"])]
    return _EXAMPLES[schema.get("format", schema["type"])]
