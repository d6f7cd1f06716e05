"""AsyncAPI 3 document of the events, generated from the registered types and consumers."""

from typing import Any

from django.apps import apps

from shop.messaging.bus.outgoing import LARGEST_BUNDLE
from shop.messaging.consuming import consumers
from shop.messaging.contracts import Event, Reminder, event_types, newest
from shop.messaging.contracts.cloudevents import BATCH_CONTENT_TYPE, CONTENT_TYPE

_ENVELOPE = {
    "type": "object",
    "description": "CloudEvents 1.0 in structured JSON mode.",
    "required": ["specversion", "id", "source", "type", "subject", "time", "data"],
    "properties": {
        "specversion": {"const": "1.0"},
        "id": {"type": "string", "format": "uuid", "description": "UUIDv7; the same in every delivery."},
        "source": {"type": "string", "examples": ["/shop/orders"]},
        "type": {"type": "string", "description": "Also the routing key."},
        "subject": {
            "type": "string",
            "format": "uuid",
            "description": "Id of the aggregate that the event is about.",
        },
        "time": {"type": "string", "format": "date-time"},
        "datacontenttype": {"const": "application/json"},
        "correlationid": {"type": "string", "format": "uuid"},
        "causationid": {"type": "string", "format": "uuid", "description": "The event that led to this."},
        "traceparent": {"type": "string", "description": "W3C Trace Context."},
        "shopsignature": {"type": "string", "description": "For the shop's own workers; ignore it."},
        "data": {"type": "object"},
    },
}
_DESCRIPTION = f"""\
Bind a queue of your own to the topic exchange `shop.events` by routing key.

A message brings one event as `{CONTENT_TYPE}` or, under load, up to {LARGEST_BUNDLE} of one type as
`{BATCH_CONTENT_TYPE}`: a JSON array of such events, in the order in which they happened.
"""


def document() -> dict[str, Any]:
    """Return the AsyncAPI document of all events that are published to all subscribers."""
    shared = shared_types()
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "shop events",
            "version": "1.0.0",
            "description": _DESCRIPTION,
        },
        "defaultContentType": CONTENT_TYPE,
        "channels": {kind.type: _channel(kind) for kind in shared},
        "operations": {f"publish.{kind.type}": _operation(kind) for kind in shared},
        "components": {
            "schemas": {"CloudEvent": _ENVELOPE} | {kind.type: schema_of(kind) for kind in shared},
            "messages": {kind.type: _message(kind) for kind in shared},
        },
    }


def shared_types() -> list[type[Event]]:
    """Return the event types and versions that the installed apps publish to all subscribers."""
    return [kind for kind in logged_types() if not kind.logged_only]


def logged_types() -> list[type[Event]]:
    """Return the event types and versions that the installed apps publish."""
    return [kind for kind in event_types() if not issubclass(kind, Reminder) and apps.is_installed(kind.app)]


def _channel(kind: type[Event]) -> dict[str, Any]:
    return {
        "address": kind.type,
        "messages": {kind.type: {"$ref": f"#/components/messages/{kind.type}"}},
        "bindings": {
            "amqp": {
                "is": "routingKey",
                "exchange": {"name": "shop.events", "type": "topic", "durable": True},
            }
        },
    }


def _operation(kind: type[Event]) -> dict[str, Any]:
    readers = [consumer.name for consumer in consumers() if kind.type in consumer.reads]
    consumed = f"Consumed by {', '.join(readers)}." if readers else "It has no consumer in the shop."
    latest = newest(kind)
    return {
        "action": "send",
        "channel": {"$ref": f"#/channels/{kind.type}"},
        "summary": (kind.__doc__ or "").strip().splitlines()[0],
        "description": consumed if kind is latest else f"{consumed} Read {latest.type}, which replaces it.",
    }


def _message(kind: type[Event]) -> dict[str, Any]:
    return {
        "name": kind.type,
        "contentType": CONTENT_TYPE,
        "payload": {
            "allOf": [
                {"$ref": "#/components/schemas/CloudEvent"},
                {"properties": {"data": {"$ref": f"#/components/schemas/{kind.type}"}}},
            ]
        },
    }


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
