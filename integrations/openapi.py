"""Webhooks in the OpenAPI document: what an endpoint gets, for each event and version."""

from functools import cache
from typing import Any

from integrations.catalogue import choices
from integrations.requests import CONTENT_TYPE
from shop.messaging.contracts import Event

_TEXT = {"type": "string"}
_ID = {"type": "string", "format": "uuid"}
_HEADERS: dict[str, dict[str, Any]] = {
    "webhook-id": {"schema": _ID, "description": "Id of the event: the same at each attempt."},
    "webhook-timestamp": {
        "schema": {"type": "string", "pattern": "^[0-9]+$"},
        "description": "Seconds since 1970 at this attempt. Refuse what is older than five minutes.",
    },
    "webhook-signature": {
        "schema": _TEXT,
        "description": "By Standard Webhooks 1.0: `v1,` and a base64 HMAC-SHA256 for each secret, with spaces"
        " between.",
    },
}
_ANSWERS = {
    "2XX": {"description": "You have it: it is not sent again."},
    "410": {"description": "You want no more: the endpoint is stopped, and its contact is told."},
    "429": {"description": "Not now. A `Retry-After` of up to a day is heeded, with 503 as well."},
    "default": {"description": "It is sent again, with growing waits, for three days."},
}


def add_webhooks(result: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
    """Add the webhooks to the document, and the schemas of their events."""
    webhooks, schemas = _webhooks()
    result["webhooks"] = webhooks
    result.setdefault("components", {}).setdefault("schemas", {}).update(schemas)
    return result


@cache
def _webhooks() -> tuple[dict[str, Any], dict[str, Any]]:
    schemas: dict[str, Any] = {}
    return {kind.type: {"post": _operation(kind, schemas)} for kind in choices()}, schemas


def _operation(kind: type[Event], schemas: dict[str, Any]) -> dict[str, Any]:
    paragraphs = (kind.__doc__ or "").strip().split("\n")
    return {
        "operationId": f"on_{kind.type.replace('.', '_')}",
        "summary": paragraphs[0],
        "tags": ["webhooks"],
        "security": [],
        "parameters": [
            {"name": name, "in": "header", "required": True, **words} for name, words in _HEADERS.items()
        ],
        "requestBody": {"required": True, "content": {CONTENT_TYPE: {"schema": _schema(kind, schemas)}}},
        "responses": _ANSWERS,
    }


def _schema(kind: type[Event], schemas: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a CloudEvent; those of its parts go to ``schemas``."""
    name = f"{kind.type.replace('.', '_')}"
    data = kind.model_json_schema(mode="serialization", ref_template=f"#/components/schemas/{name}_{{model}}")
    schemas |= {f"{name}_{part}": schema for part, schema in data.pop("$defs", {}).items()}
    schemas[name] = data
    properties = {
        "specversion": {"const": "1.0"},
        "id": _ID,
        "source": {"const": f"/shop/{kind.app}"},
        "type": {"const": kind.type},
        "subject": {**_ID, "description": f"The `{kind.aggregate}`."},
        "time": {"type": "string", "format": "date-time"},
        "datacontenttype": {"const": "application/json"},
        "correlationid": _ID,
        "causationid": _ID,
        "traceparent": _TEXT,
        "data": {"$ref": f"#/components/schemas/{name}"},
    }
    required = ["specversion", "id", "source", "type", "subject", "time", "datacontenttype", "data"]
    return {"type": "object", "properties": properties, "required": required}
