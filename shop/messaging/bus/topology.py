"""Topology of the broker: exchanges, queues and bindings, derived from the registry of consumers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from kombu import Connection, Exchange, Message, Producer, Queue, binding

from shop.messaging.bus.amqp import is_amqp
from shop.messaging.consuming import consumers, consuming_apps, events_queue
from shop.messaging.contracts import Reminder

EVENTS = Exchange("shop.events", type="topic", durable=True)

#: Dead-letter exchange for messages that were rejected, or redelivered too often.
DEAD = Exchange("shop.dead", type="direct", durable=True)

#: Redeliveries of a message before RabbitMQ dead-letters it. An existing queue cannot be changed.
DELIVERY_LIMIT = 20


def dead_queue(app: str) -> str:
    """Return the name of the dead-letter queue of ``app``, for messages that cannot be read."""
    return f"{app}.dead"


def queue_names() -> list[str]:
    """Return the names of all events queues and dead-letter queues."""
    return [name for app in consuming_apps() for name in (events_queue(app), dead_queue(app))]


def queue_of(app: str, *, amqp: bool) -> Queue:
    """Return the events queue of ``app``, bound to the types that it consumes."""
    bindings = [
        binding(EVENTS, routing_key=type_)
        for consumer in consumers()
        if consumer.app == app and not issubclass(consumer.event, Reminder)
        for type_ in consumer.reads
    ]
    arguments = {
        "x-queue-type": "quorum",
        "x-delivery-limit": DELIVERY_LIMIT,
        "x-dead-letter-exchange": DEAD.name,
        "x-dead-letter-routing-key": dead_queue(app),
    }
    return Queue(events_queue(app), bindings=bindings, queue_arguments=arguments if amqp else None)


def dead_queue_of(app: str, *, amqp: bool) -> Queue:
    """Return the dead-letter queue of ``app``."""
    name = dead_queue(app)
    return Queue(
        name, exchange=DEAD, routing_key=name, queue_arguments={"x-queue-type": "quorum"} if amqp else None
    )


def declare_topology(connection: Connection, apps: Iterable[str] | None = None) -> None:
    """Declare exchanges, queues and bindings.

    Relay and workers both declare them, so that neither depends on the other's start. After an exception
    discard the connection without the AMQP close handshake: a silent broker would not answer it.
    """
    amqp = is_amqp(connection)
    channel: Any = connection.channel()
    for exchange in (EVENTS, DEAD):
        exchange(channel).declare()
    for app in apps or consuming_apps():
        for queue in (queue_of(app, amqp=amqp), dead_queue_of(app, amqp=amqp)):
            queue(channel).declare()
    channel.close()


def copy_to_dead_queue(channel: Any, app: str, message: Message) -> None:
    """Publish a copy of a message to the app's dead-letter queue, for brokers that do not dead-letter."""
    Producer(channel).publish(
        message.body,
        routing_key=dead_queue(app),
        content_type=message.content_type,
        content_encoding=message.content_encoding,
        headers=message.headers,
    )
