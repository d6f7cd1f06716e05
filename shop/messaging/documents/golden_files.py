"""Golden files: schema and example message of each event type and version, which must stay readable."""

import json
from pathlib import Path
from typing import Any

from django.conf import settings

from shop.messaging.contracts import Event
from shop.messaging.contracts.compatibility import breaking_changes
from shop.messaging.documents.asyncapi import logged_types
from shop.messaging.documents.examples import example_of
from shop.messaging.documents.outside_readers import by_type
from shop.messaging.documents.schemas import schema_of
from shop.messaging.errors import BreakingChange

FOLDER = Path(settings.BASE_DIR) / "docs" / "events"


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
        return {"type": kind.type, "schema": schema, "example": example_of(kind)}
    golden: dict[str, Any] = json.loads(path.read_text())
    if broken := breaking_changes(golden["schema"], schema):
        known = ", ".join(by_type()[kind.type]) or "none that is known"
        raise BreakingChange(
            f"{kind.type}: {'; '.join(broken)}. Make it a new version. Outside readers of it: {known}."
        )
    return golden | {"schema": schema}
