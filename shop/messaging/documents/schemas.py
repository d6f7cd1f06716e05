"""JSON Schemas of events."""

from typing import Any

from shop.messaging.contracts import Event


def schema_of(kind: type[Event]) -> dict[str, Any]:
    """Return the self-contained JSON Schema of the data, with all definitions inlined."""
    schema = kind.model_json_schema(mode="serialization")
    definitions = schema.pop("$defs", {})
    inlined: dict[str, Any] = _inline(schema, definitions)
    return inlined


def _inline(node: Any, definitions: dict[str, Any]) -> Any:
    if isinstance(node, dict):
        if "$ref" in node:
            return _inline(definitions[node["$ref"].rsplit("/", 1)[1]], definitions)
        return {key: _inline(value, definitions) for key, value in node.items()}
    return [_inline(value, definitions) for value in node] if isinstance(node, list) else node
