"""The broker seen from our side: its topology, and publishing with confirms."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from itertools import groupby, islice, takewhile
from typing import Any, cast
from uuid import UUID

from amqp.method_framing import frame_writer
from amqp.transport import TCPTransport
from django.conf import settings
from kombu import Connection, Exchange, Message, Producer, Queue, binding

from shop.messaging import embedded
from shop.messaging.cloudevents import BATCH_CONTENT_TYPE, CONTENT_TYPE, encode_batch
from shop.messaging.consuming import consumers, consuming_apps, events_queue
from shop.messaging.contracts import Reminder, is_replaced
from shop.messaging.failpoints import Point, reach

EVENTS = Exchange("shop.events", type="topic", durable=True)
#: Where RabbitMQ puts what a consumer rejected, or what came back too often.
DEAD = Exchange("shop.dead", type="direct", durable=True)
#: How often RabbitMQ redelivers a message that crashes its worker; queues cannot be changed afterwards.
DELIVERY_LIMIT = 20
#: The most that SHOP_EVENTS_PER_MESSAGE may be: what a worker has in hand is so many times its prefetch.
LARGEST_BUNDLE = 100
#: Messages in one transaction of the embedded broker: no worker sees any of them before all are there.
_AT_ONCE = 50
#: Seconds to wait for the confirms of a batch.
CONFIRM_TIMEOUT = 10.0


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message to publish: to everybody who subscribed, or to one queue."""

    entry_id: int
    message_id: UUID
    type: str
    queue: str
    headers: dict[str, int]
    body: str

    @property
    def address(self) -> tuple[str, str]:
        """Exchange and routing key."""
        return ("", self.queue) if self.queue else (EVENTS.name, self.type)

    @property
    def is_mandatory(self) -> bool:
        """Whether it is an alarm if no queue takes it: a copy in an old version may be read by nobody."""
        return bool(self.queue) or not is_replaced(self.type)


def bundled(batch: Iterable[Outgoing], most: int) -> Iterator[list[Outgoing]]:
    """Put up to ``most`` neighbours of a type into a message; one with headers or a queue goes alone.

    The order stays. Under load that is most: what a run of a consumer publishes stands together in the
    outbox. A message costs the broker and whoever reads it more than the events that are in it.
    """
    for key, alike in groupby(batch, key=lambda message: (message.address, bool(message.headers))):
        (exchange, _), has_headers = key
        size = most if exchange and not has_headers else 1
        while bundle := list(islice(alike, size)):
            yield bundle


@dataclass
class Receipt:
    """What became of a batch: ids of outbox entries."""

    confirmed: set[int] = field(default_factory=set)
    #: No queue is bound to them.
    unroutable: set[int] = field(default_factory=set)


def dead_queue(app: str) -> str:
    """The name of the queue for messages that ``app`` could not even read."""
    return f"{app}.dead"


def is_amqp(connection: Connection) -> bool:
    """Whether this is a real AMQP broker, with confirms, mandatory routing and dead-letter exchanges."""
    return bool(connection.transport.driver_type == "amqp")


def is_plain_tcp(connection: Any) -> bool:
    """Whether this py-amqp connection reads its socket itself, and leaves that to no TLS library."""
    return type(connection.transport) is TCPTransport


def queue_of(app: str, *, amqp: bool) -> Queue:
    """The durable queue of ``app``, bound to the types that it consumes."""
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
    """The queue where unreadable messages of ``app`` wait for a person."""
    name = dead_queue(app)
    return Queue(
        name, exchange=DEAD, routing_key=name, queue_arguments={"x-queue-type": "quorum"} if amqp else None
    )


def declare_topology(connection: Connection, apps: Iterable[str] | None = None) -> None:
    """Declare exchanges, queues and bindings. Both ends do it: neither has to wait for the other.

    After an exception the connection has to be thrown away, with the channel: no farewell to who is silent.
    """
    amqp = is_amqp(connection)
    channel: Any = connection.channel()
    with embedded.one_at_a_time(channel) if embedded.is_embedded(connection) else nullcontext():
        for exchange in (EVENTS, DEAD):
            exchange(channel).declare()
        for app in apps or consuming_apps():
            for queue in (queue_of(app, amqp=amqp), dead_queue_of(app, amqp=amqp)):
                queue(channel).declare()
    channel.close()


def copy_to_dead_queue(channel: Any, app: str, message: Message) -> None:
    """Put a copy of a message into the app's dead queue, where the broker does not do so itself."""
    Producer(channel).publish(
        message.body,
        routing_key=dead_queue(app),
        content_type=message.content_type,
        content_encoding=message.content_encoding,
        headers=message.headers,
    )


class Publisher:
    """Publishes batches over any kombu transport, one message after the other."""

    def __init__(self, connection: Connection) -> None:
        self._channel: Any = connection.channel()
        self._producer = Producer(self._channel)
        self._is_embedded = embedded.is_embedded(connection)
        self._bundle: int = settings.SHOP_EVENTS_PER_MESSAGE

    def publish(self, batch: Sequence[Outgoing]) -> Receipt:
        """Publish a batch. Whatever is in the receipt is with the broker, durably."""
        bundles = bundled(batch, self._bundle)
        while some := list(islice(bundles, _AT_ONCE)):
            with embedded.together(self._channel) if self._is_embedded else nullcontext():
                for bundle in some:
                    self._publish(bundle)
        return Receipt(confirmed=_entries(batch))

    def _publish(self, bundle: list[Outgoing]) -> None:
        first = bundle[0]
        exchange, routing_key = first.address
        content_type, body = _contents(bundle)
        self._producer.publish(
            body,
            exchange=exchange,
            routing_key=routing_key,
            content_type=content_type,
            content_encoding="utf-8",
            headers=first.headers,
            delivery_mode=2,
            message_id=str(first.message_id),
            type=first.type,
        )
        reach(Point.AFTER_PUBLISH)


class Cork:
    """Gathers what is sent in its block over a py-amqp connection, and sends it in one write at the end."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._frames: list[bytes] = []
        self._writer = frame_writer(connection, self)

    def write(self, frame: bytes | memoryview) -> None:
        """Stand in for py-amqp's transport."""
        self._frames.append(bytes(frame))

    def __enter__(self) -> None:
        self._plain_writer = self._connection.frame_writer
        self._connection.frame_writer = self._writer

    def __exit__(self, error: type[BaseException] | None, *exc_info: object) -> None:
        self._connection.frame_writer = self._plain_writer
        frames, self._frames = self._frames, []
        if frames and not error:
            self._connection.transport.write(b"".join(frames))


class ConfirmingPublisher:
    """Publishes batches over AMQP: pipelined, mandatory, confirmed.

    It must be thrown away with its connection after any exception: py-amqp takes a confirm that
    comes late for one of the next batch.
    """

    def __init__(self, connection: Connection) -> None:
        self._channel = cast(Any, connection.channel())
        self._connection = self._channel.connection
        self._channel.confirm_select()
        self._channel.events["basic_ack"].add(self._on_ack)
        self._channel.events["basic_nack"].add(self._on_nack)
        self._channel.events["basic_return"].add(self._on_return)
        self._cork = Cork(self._connection)
        self._bundle: int = settings.SHOP_EVENTS_PER_MESSAGE
        #: The delivery tag of the last message; the broker counts along.
        self._tag = 0
        #: What is in each message.
        self._unconfirmed: dict[int, list[Outgoing]] = {}
        #: By the first one's id and address: one id goes out in several versions.
        self._sent: dict[tuple[str, str, str], list[Outgoing]] = {}
        self._receipt = Receipt()

    def publish(self, batch: Sequence[Outgoing]) -> Receipt:
        """Publish a batch and wait for its confirms.

        What the broker refused is in neither set of the receipt: publish it again, over another channel.
        Raises the transport's errors, and TimeoutError if the broker does not confirm in time.
        """
        self._receipt = Receipt()
        bundles = list(bundled(batch, self._bundle))
        self._sent = {(str(bundle[0].message_id), *bundle[0].address): bundle for bundle in bundles}
        self._send(bundles)
        reach(Point.AFTER_PUBLISH)
        self._await_confirms()
        self._receipt.confirmed -= self._receipt.unroutable
        return self._receipt

    def _send(self, bundles: Iterable[list[Outgoing]]) -> None:
        with self._cork:
            for bundle in bundles:
                first = bundle[0]
                self._tag += 1
                self._unconfirmed[self._tag] = bundle
                self._channel._basic_publish(self._prepare(bundle), *first.address, first.is_mandatory)

    def _prepare(self, bundle: list[Outgoing]) -> Any:
        first = bundle[0]
        content_type, body = _contents(bundle)
        return self._channel.prepare_message(
            body.encode(),
            content_type=content_type,
            content_encoding="utf-8",
            headers=first.headers,
            properties={"delivery_mode": 2, "message_id": str(first.message_id), "type": first.type},
        )

    def _await_confirms(self) -> None:
        deadline = time.monotonic() + CONFIRM_TIMEOUT
        while self._unconfirmed:
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                raise TimeoutError(f"the broker has not confirmed {len(self._unconfirmed)} messages")
            self._connection.drain_events(timeout=remaining)

    def _on_ack(self, tag: int, multiple: bool) -> None:
        self._receipt.confirmed |= _entries(self._settled(tag, multiple))

    def _on_nack(self, tag: int, multiple: bool) -> None:
        self._settled(tag, multiple)

    def _settled(self, tag: int, multiple: bool) -> list[Outgoing]:
        # Tags stand in the order in which they were sent.
        tags = list(takewhile(lambda sent: sent <= tag, self._unconfirmed)) if multiple else [tag]
        return [message for t in tags for message in self._unconfirmed.pop(t, ())]

    def _on_return(self, error: Exception, exchange: str, routing_key: str, message: Any) -> None:
        returned = self._sent[message.properties["message_id"], exchange, routing_key]
        self._receipt.unroutable |= _entries(returned)


def _contents(bundle: list[Outgoing]) -> tuple[str, str]:
    """Content type and body of the message that brings these."""
    if len(bundle) == 1:
        return CONTENT_TYPE, bundle[0].body
    return BATCH_CONTENT_TYPE, encode_batch([message.body for message in bundle])


def _entries(messages: Iterable[Outgoing]) -> set[int]:
    return {message.entry_id for message in messages}


def publisher_for(connection: Connection) -> Publisher | ConfirmingPublisher:
    """The best publisher that the connection's transport allows."""
    return ConfirmingPublisher(connection) if is_amqp(connection) else Publisher(connection)
