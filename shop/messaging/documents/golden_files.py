"""Golden files: schema and example message of each event type and version, which must stay readable."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings

from shop.messaging.contracts import Event, Meta, cloudevents
from shop.messaging.contracts.compatibility import breaking_changes
from shop.messaging.documents.asyncapi import logged_types, schema_of
from shop.messaging.errors import BreakingChange

FOLDER = Path(settings.BASE_DIR) / "docs" / "events"
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


def path_of(kind: type[Event]) -> Path:
    """Return the path of the golden file of this type and version."""
    return FOLDER / f"{kind.type}.json"


def regenerate() -> dict[Path, str]:
    """Return the golden files with current schemas. Existing examples are kept: they stand for old messages.

    Raises:
        BreakingChange: if a schema breaks readers or old messages.
    """
    files = {path_of(kind): _golden(kind) for kind in logged_types()}
    return {path: json.dumps(golden, indent=2, ensure_ascii=False) + "\n" for path, golden in files.items()}


def _golden(kind: type[Event]) -> dict[str, Any]:
    schema, path = schema_of(kind), path_of(kind)
    if not path.exists():
        return {"type": kind.type, "schema": schema, "example": _example(kind, schema)}
    golden: dict[str, Any] = json.loads(path.read_text())
    if broken := breaking_changes(golden["schema"], schema):
        raise BreakingChange(f"{kind.type}: {'; '.join(broken)}. Make it a new version.")
    return golden | {"schema": schema}


def _example(kind: type[Event], schema: dict[str, Any]) -> Any:
    event = kind.model_validate(_example_value(schema)).with_meta(Meta(_ID, _TIME, _ID))
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
