"""Publisher over AMQP, with pipelined publisher confirms."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from itertools import takewhile
from typing import Any, cast

from django.conf import settings
from kombu import Connection

from shop.messaging.bus.amqp import BufferedWriter
from shop.messaging.bus.outgoing import Outgoing, Receipt, bundled, contents_of, entry_ids
from shop.messaging.bus.topology import declare_topology
from shop.messaging.failpoints import Point, reach

#: Seconds to wait for the confirms of a batch.
CONFIRM_TIMEOUT = 10.0


class ConfirmingPublisher:
    """Publishes batches over AMQP: pipelined, mandatory and confirmed.

    After any exception it must be discarded with its connection: a late confirm would be taken for one of the
    next batch.
    """

    def __init__(self, connection: Connection) -> None:
        self._kombu_connection = connection
        self._channel = cast(Any, connection.channel())
        self._connection = self._channel.connection
        self._channel.confirm_select()
        self._channel.events["basic_ack"].add(self._on_ack)
        self._channel.events["basic_nack"].add(self._on_nack)
        self._channel.events["basic_return"].add(self._on_return)
        self._writer = BufferedWriter(self._connection)
        self._bundle: int = settings.SHOP_EVENTS_PER_MESSAGE
        #: Delivery tag of the last message. The broker counts the same.
        self._tag = 0
        #: Delivery tag -> events in the message, in publishing order.
        self._unconfirmed: dict[int, list[Outgoing]] = {}
        #: Bundles by message id and address, since an id is published in several versions.
        self._sent: dict[tuple[str, str, str], list[Outgoing]] = {}
        self._receipt = Receipt()

    def declare(self) -> None:
        """Declare exchanges, queues and bindings."""
        declare_topology(self._kombu_connection)

    def publish(self, batch: Sequence[Outgoing]) -> Receipt:
        """Publish a batch and wait for its confirms.

        Messages rejected by the broker are in neither set of the receipt. Publish them again over another
        channel.

        Raises:
            TimeoutError: the broker has not confirmed the batch within CONFIRM_TIMEOUT.
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
        with self._writer:
            for bundle in bundles:
                first = bundle[0]
                self._tag += 1
                self._unconfirmed[self._tag] = bundle
                self._channel._basic_publish(self._prepare(bundle), *first.address, first.is_mandatory)

    def _prepare(self, bundle: list[Outgoing]) -> Any:
        first = bundle[0]
        content_type, body = contents_of(bundle)
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
        self._receipt.confirmed |= entry_ids(self._pop_unconfirmed(tag, multiple))

    def _on_nack(self, tag: int, multiple: bool) -> None:
        self._pop_unconfirmed(tag, multiple)

    def _pop_unconfirmed(self, tag: int, multiple: bool) -> list[Outgoing]:
        tags = list(takewhile(lambda sent: sent <= tag, self._unconfirmed)) if multiple else [tag]
        return [message for t in tags for message in self._unconfirmed.pop(t, ())]

    def _on_return(self, error: Exception, exchange: str, routing_key: str, message: Any) -> None:
        returned = self._sent[message.properties["message_id"], exchange, routing_key]
        self._receipt.unroutable |= entry_ids(returned)
