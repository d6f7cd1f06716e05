"""Publisher for transports without publisher confirms."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from itertools import islice
from typing import Any

from django.conf import settings
from kombu import Connection, Producer

from shop.messaging.bus import pgmq
from shop.messaging.bus.amqp import is_amqp
from shop.messaging.bus.confirms import ConfirmingPublisher
from shop.messaging.bus.outgoing import Outgoing, Receipt, bundled, contents_of, entry_ids
from shop.messaging.bus.topology import declare_topology
from shop.messaging.failpoints import Point, reach

#: Messages in one transaction of the embedded broker. Workers see them when it commits.
TRANSACTION_SIZE = 50


class Publisher:
    """Publishes batches over any kombu transport, one message at a time."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._channel: Any = connection.channel()
        self._producer = Producer(self._channel)
        self._is_embedded = pgmq.is_embedded(connection)
        self._bundle: int = settings.SHOP_EVENTS_PER_MESSAGE

    def declare(self) -> None:
        """Declare exchanges, queues and bindings."""
        declare_topology(self._connection)

    def publish(self, batch: Sequence[Outgoing]) -> Receipt:
        """Publish a batch. Messages in the receipt are stored durably by the broker."""
        bundles = bundled(batch, self._bundle)
        while chunk := list(islice(bundles, TRANSACTION_SIZE)):
            with pgmq.single_transaction(self._channel) if self._is_embedded else nullcontext():
                for bundle in chunk:
                    self._publish(bundle)
        return Receipt(confirmed=entry_ids(batch))

    def _publish(self, bundle: list[Outgoing]) -> None:
        first = bundle[0]
        exchange, routing_key = first.address
        content_type, body = contents_of(bundle)
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


def publisher_for(connection: Connection) -> Publisher | ConfirmingPublisher:
    """Return the publisher for the connection's transport."""
    return ConfirmingPublisher(connection) if is_amqp(connection) else Publisher(connection)
