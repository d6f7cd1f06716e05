"""Faults of messages: duplicates, another order, and unreadable messages from foreign programs."""

import contextlib
from collections.abc import Iterator
from random import Random
from typing import Any
from uuid import uuid4

import amqp
from kombu import Connection

from dev.faults.kinds import fault
from dev.faults.system import System
from shop.settings import CONTEXTS

_EXCHANGE = "shop.events"
#: Number of messages of a queue that are shuffled.
_SHUFFLE_LIMIT = 50
_QUEUES = [f"{app}.events" for app in CONTEXTS]
#: Queues of apps that consume OrderCreated. Elsewhere a well-formed event would be deferred as unknown.
POISONED = ("payments.events", "inventory.events", "shipping.events")
_POISON: tuple[bytes, ...] = (
    b'{"specversion": "1.0", broken',
    b"\xff\xfe\x00",
    b'{"specversion": "1.0", "id": "1", "source": "/x", "type": "payments.CardStolen.v1"}',
    b'{"specversion": "1.0", "id": "0199b1d0-0000-7000-8000-000000000001", "source": "/x",'
    b' "type": "orders.OrderCreated.v1", "time": "2026-12-24T12:00:00Z", "data": {"order_id": "none"}}',
)
#: The valid JSON among it, which may be one of the events of a bundle.
_JSON_POISON = _POISON[2:]
_ALONE, _AMONG_OTHERS = "application/cloudevents+json", "application/cloudevents-batch+json"
_LATEST_ORDER = """
    select jsonb_build_object(
        'specversion', '1.0', 'id', id, 'source', '/shop/orders', 'type', type, 'subject', aggregate_id,
        'time', time, 'correlationid', correlation_id, 'data', data)::text
    from messaging_eventrecord where type = 'orders.OrderCreated.v2' order by position desc limit 1
"""


@contextlib.contextmanager
def channel_to(system: System) -> Iterator[Any]:
    """Open a channel with publisher confirms that bypasses the faulty network."""
    options = {"confirm_publish": True, "read_timeout": 10, "write_timeout": 10}
    with Connection(system.broker_url, transport_options=options) as connection:
        connection.ensure_connection(max_retries=3, timeout=10)
        with connection.channel() as channel:
            yield channel


@fault("events delivered twice and shuffled", target="RabbitMQ", duration=(3, 8))
def twice_and_shuffled(system: System, chance: Random) -> Iterator[None]:
    """Redeliver the messages of this period to all queues, shuffled."""
    with channel_to(system) as channel:
        queue = channel.queue_declare(exclusive=True).queue
        channel.queue_bind(queue, _EXCHANGE, "#")
        _shuffle_queues(channel, chance)
        yield
        copies = list(_take(channel, queue))
        _publish(channel, [(_EXCHANGE, copy.delivery_info["routing_key"], copy) for copy in copies], chance)


def _shuffle_queues(channel: Any, chance: Random) -> None:
    """Replace the messages in the queues by two copies of each, shuffled."""
    for queue in _QUEUES:
        taken = list(_take(channel, queue))
        _publish(channel, [("", queue, message) for message in taken], chance)
        for message in taken:
            channel.basic_ack(message.delivery_tag)


def _take(channel: Any, queue: str) -> Iterator[Any]:
    for _ in range(_SHUFFLE_LIMIT):
        if not (message := channel.basic_get(queue)):
            return
        yield message


def _publish(channel: Any, messages: list[tuple[str, str, Any]], chance: Random) -> None:
    for exchange, routing_key, message in chance.sample(messages * 2, 2 * len(messages)):
        copy = amqp.Message(message.body, **message.properties)
        channel.basic_publish(copy, exchange, routing_key)


@fault("poison", target="RabbitMQ")
def poison(system: System, chance: Random) -> Iterator[None]:
    """Send some queues a message that is unreadable as a whole or in one of its events."""
    with channel_to(system) as channel:
        for queue in POISONED:
            channel.basic_publish(poisoned(system, chance), "", queue)
            system.poisoned += 1
    yield


def poisoned(system: System, chance: Random) -> Any:
    """Return an unreadable or forged event, alone or in a bundle with a readable one."""
    body, content_type = chance.choice(_POISON), _ALONE
    if body in _JSON_POISON and chance.random() < 0.7 and (orders := system.rows(_LATEST_ORDER)):
        events = [orders[0][0].encode(), body]
        chance.shuffle(events)
        body, content_type = b"[%s]" % b",\n".join(events), _AMONG_OTHERS
    return amqp.Message(body, content_type=content_type, delivery_mode=2, message_id=str(uuid4()))
