"""Messages come twice, in any order, and from strangers who send rubbish."""

import contextlib
from collections.abc import Iterator
from random import Random
from typing import Any
from uuid import uuid4

import amqp
from kombu import Connection

from dev.faults.kinds import fault
from dev.faults.world import World
from shop.settings import CONTEXTS

_EXCHANGE = "shop.events"
#: How many of a queue's messages are shuffled.
_HANDFUL = 50
_QUEUES = [f"{app}.events" for app in CONTEXTS]
#: Their apps consume OrderCreated; what is well-formed and of an unknown type would wait for a newer worker.
_POISONED = ("payments.events", "inventory.events", "shipping.events")
_POISON: tuple[bytes, ...] = (
    b'{"specversion": "1.0", broken',
    b"\xff\xfe\x00",
    b'{"specversion": "1.0", "id": "1", "source": "/x", "type": "payments.CardStolen.v1"}',
    b'{"specversion": "1.0", "id": "0199b1d0-0000-7000-8000-000000000001", "source": "/x",'
    b' "type": "orders.OrderCreated.v1", "time": "2026-12-24T12:00:00Z", "data": {"order_id": "none"}}',
)
#: What is JSON at least, and so may be one of a message's events.
_JSON_POISON = _POISON[2:]
_ALONE, _AMONG_OTHERS = "application/cloudevents+json", "application/cloudevents-batch+json"
_LATEST_ORDER = """
    select jsonb_build_object(
        'specversion', '1.0', 'id', id, 'source', '/shop/orders', 'type', type, 'subject', aggregate_id,
        'time', time, 'correlationid', correlation_id, 'data', data)::text
    from messaging_eventrecord where type = 'orders.OrderCreated.v1' order by position desc limit 1
"""


@contextlib.contextmanager
def channel_to(world: World) -> Iterator[Any]:
    """A channel of our own, past the hurt network, on which publishing waits for its confirm."""
    options = {"confirm_publish": True, "read_timeout": 10, "write_timeout": 10}
    with Connection(world.broker_url, transport_options=options) as connection:
        connection.ensure_connection(max_retries=3, timeout=10)
        with connection.channel() as channel:
            yield channel


@fault("events delivered twice and shuffled", target="RabbitMQ", lasts=(3, 8))
def twice_and_shuffled(world: World, chance: Random) -> Iterator[None]:
    """What is published while it lasts comes again, to everybody, in another order."""
    with channel_to(world) as channel:
        queue = channel.queue_declare(exclusive=True).queue
        channel.queue_bind(queue, _EXCHANGE, "#")
        _shuffle_queues(channel, chance)
        yield
        copies = list(_take(channel, queue))
        _publish(channel, [(_EXCHANGE, copy.delivery_info["routing_key"], copy) for copy in copies], chance)


def _shuffle_queues(channel: Any, chance: Random) -> None:
    """Take out what waits in the queues, and put it back twice, in another order."""
    for queue in _QUEUES:
        taken = list(_take(channel, queue))
        _publish(channel, [("", queue, message) for message in taken], chance)
        for message in taken:
            channel.basic_ack(message.delivery_tag)


def _take(channel: Any, queue: str) -> Iterator[Any]:
    for _ in range(_HANDFUL):
        if not (message := channel.basic_get(queue)):
            return
        yield message


def _publish(channel: Any, messages: list[tuple[str, str, Any]], chance: Random) -> None:
    for exchange, routing_key, message in chance.sample(messages * 2, 2 * len(messages)):
        copy = amqp.Message(message.body, **message.properties)
        channel.basic_publish(copy, exchange, routing_key)


@fault("poison", target="RabbitMQ")
def poison(world: World, chance: Random) -> Iterator[None]:
    """Some queues get one message that nobody can read, or of which nobody can read one event."""
    with channel_to(world) as channel:
        for queue in _POISONED:
            channel.basic_publish(poisoned(world, chance), "", queue)
            world.poisoned += 1
    yield


def poisoned(world: World, chance: Random) -> Any:
    """A message of poison, alone or in a bundle with an order that all who get it consume."""
    body, content_type = chance.choice(_POISON), _ALONE
    if body in _JSON_POISON and chance.random() < 0.7 and (orders := world.rows(_LATEST_ORDER)):
        events = [orders[0][0].encode(), body]
        chance.shuffle(events)
        body, content_type = b"[%s]" % b",\n".join(events), _AMONG_OTHERS
    return amqp.Message(body, content_type=content_type, delivery_mode=2, message_id=str(uuid4()))
