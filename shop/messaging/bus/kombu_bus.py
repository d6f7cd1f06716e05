"""Celery's broker as the event bus: RabbitMQ, the embedded broker, or another kombu transport."""

from __future__ import annotations

import select
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

from celery import Celery
from kombu import Connection, Consumer, Message
from kombu.common import ignore_errors

from shop.messaging.bus import pgmq, topology
from shop.messaging.bus.acknowledger import acknowledger_for
from shop.messaging.bus.amqp import is_amqp
from shop.messaging.bus.port import EventPublisher, Receive
from shop.messaging.bus.publisher import publisher_for


class KombuBus:
    """Event bus over Celery's own connections."""

    is_threaded = False

    def __init__(self, app: Celery) -> None:
        self._app = app

    @contextmanager
    def publisher(self) -> Iterator[EventPublisher]:
        """Connect and declare the topology."""
        with self._app.connection_for_write() as connection:
            try:
                # One attempt at each node in the URL.
                connection.ensure_connection(max_retries=len(connection.alt[1:]))
                publisher = publisher_for(connection)
                publisher.declare()
                yield publisher
            except BaseException:
                # Discard the connection without the AMQP close handshake, which a silent broker would not
                # answer. It cannot be reused: late confirms would be taken for those of the next batch.
                connection.collect(socket_timeout=1)
                raise

    def intake(self, celery_consumer: Any, apps: Mapping[str, int]) -> KombuIntake:
        """Return the intake over the connection of Celery's consumer."""
        return KombuIntake(celery_consumer, apps)

    def depths(self) -> dict[str, int]:
        """Ask for all queues, Celery's own and the dead-letter queues included."""
        with self._app.connection_for_read() as connection:
            connection.ensure_connection(max_retries=len(connection.alt[1:]))
            names = [*self._app.amqp.queues, *topology.queue_names()]
            if pgmq.is_embedded(connection):
                return pgmq.depths(connection, names)
            depths = ((name, _depth(connection, name)) for name in names)
            return {name: depth for name, depth in depths if depth is not None}


class KombuIntake:
    """One kombu consumer per events queue, each with its own channel and prefetch."""

    def __init__(self, celery_consumer: Any, apps: Mapping[str, int]) -> None:
        self._connection = celery_consumer.connection
        topology.declare_topology(self._connection, apps)
        self.acknowledger = acknowledger_for(self._connection, celery_consumer.connection_errors)
        self._consumers = {app: self._consumer(app, prefetch) for app, prefetch in apps.items()}
        self._socket = select.poll()
        if sock := celery_consumer.hub and getattr(self._connection.connection, "sock", None):
            self._socket.register(sock, select.POLLIN)

    def _consumer(self, app: str, prefetch: int) -> Consumer:
        # One channel per consumer: RabbitMQ's quorum queues do not support a prefetch per channel.
        channel = self._connection.channel()
        queue = topology.queue_of(app, amqp=is_amqp(self._connection))
        consumer = Consumer(channel, queues=[queue], accept=[], auto_declare=False)
        consumer.qos(prefetch_count=prefetch)
        return consumer

    def start(self, receive: Receive) -> None:
        """Consume in the thread that drains Celery's connection."""
        deliver = partial(_deliver, receive)
        for app, consumer in self._consumers.items():
            consumer.on_message = partial(deliver, app)
            consumer.on_decode_error = partial(deliver, app)
            consumer.consume()

    def stop(self) -> None:
        """Stop consuming. The channels stay open for the acknowledgement of running batches."""
        for consumer in self._consumers.values():
            ignore_errors(self._connection, consumer.cancel)

    def close(self) -> None:
        """Close the channels."""
        for consumer in self._consumers.values():
            channel: Any = consumer.channel
            ignore_errors(self._connection, channel.close)

    def has_more(self) -> bool:
        """Return whether the socket has more to read. Without an event loop it is not known."""
        return bool(self._socket.poll(0))


def _depth(connection: Connection, queue: str) -> int | None:
    """Return the number of ready messages; None without the queue, which closes the channel."""
    channel: Any = connection.channel()
    try:
        return int(channel.queue_declare(queue, passive=True).message_count)
    except connection.channel_errors:
        return None
    finally:
        ignore_errors(connection, channel.close)


def _deliver(receive: Receive, app: str, message: Message, error: Exception | None = None) -> None:
    pgmq.count_deliveries(message)
    receive(app, message, error)
