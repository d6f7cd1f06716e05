"""AsyncAPI 3 document of the events, generated from the registered types and consumers."""

from typing import Any

from django.apps import apps

from shop.messaging.bus.outgoing import LARGEST_BUNDLE
from shop.messaging.consuming import consumers
from shop.messaging.contracts import Event, Reminder, event_types, newest
from shop.messaging.contracts.cloudevents import BATCH_CONTENT_TYPE, CONTENT_TYPE
from shop.messaging.documents.examples import example_of
from shop.messaging.documents.schemas import schema_of

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
Every event of the shop, as a CloudEvent 1.0. An installation has one of the event buses below. Where other
programs cannot read it, take webhooks (`docs/webhooks.md`).

A message brings one event as `{CONTENT_TYPE}` or, under load on RabbitMQ and Service
Bus, up to {LARGEST_BUNDLE} of one type as `{BATCH_CONTENT_TYPE}`: a JSON array of such events,
in the order in which they happened.

Expect each event more than once, and remember its `id`. Events of one `subject` are sent in the order of
their commits. A version that is published stays readable: fields are added to it, and none is taken away.
"""
_SERVERS: dict[str, dict[str, Any]] = {
    "rabbitmq": {
        "host": "rabbitmq.example:5671",
        "protocol": "amqps",
        "protocolVersion": "0.9.1",
        "title": "RabbitMQ",
        "description": "Bind a queue of your own to the topic exchange `shop.events` by routing key, the "
        "type. `manage.py broker_users NAME` makes the queue, and a user that may read it and nothing else.",
    },
    "kafka": {
        "host": "kafka.example:9092",
        "protocol": "kafka-secure",
        "title": "Apache Kafka",
        "description": "Read the topic `shop.events` in a group of your own. It has all types; the key is "
        "the `subject`.",
    },
    "servicebus": {
        "host": "NAME.servicebus.windows.net",
        "protocol": "amqps",
        "protocolVersion": "1.0",
        "title": "Azure Service Bus",
        "description": "Read a subscription of your own of the topic `shop.events`. The message's subject is "
        "the type.",
    },
    "embedded": {
        "host": "postgres.example:5432",
        "protocol": "pgmq",
        "title": "Embedded broker",
        "description": "PostgreSQL itself, for the shop's own workers alone: take webhooks.",
    },
}
#: Servers that other programs read.
_PUBLIC = ("rabbitmq", "kafka", "servicebus")


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
        "servers": _SERVERS,
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
        "servers": [{"$ref": f"#/servers/{name}"} for name in _PUBLIC],
        "messages": {kind.type: {"$ref": f"#/components/messages/{kind.type}"}},
        "bindings": {
            "amqp": {
                "is": "routingKey",
                "exchange": {"name": "shop.events", "type": "topic", "durable": True},
            },
            "kafka": {"topic": "shop.events"},
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
        "bindings": {"kafka": {"key": {"type": "string", "format": "uuid"}}},
        "examples": [{"payload": example_of(kind)}],
    }
