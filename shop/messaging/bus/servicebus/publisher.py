"""Publisher to Service Bus: batches that are accepted or refused as a whole."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from uuid import UUID

from azure.servicebus import ServiceBusClient, ServiceBusMessage, ServiceBusMessageBatch, ServiceBusSender
from django.conf import settings

from shop.messaging.bus.outgoing import Outgoing, Receipt, bundled, contents_of, entry_ids
from shop.messaging.bus.servicebus.namespace import OPTIONS, TIMEOUT, logger
from shop.messaging.bus.servicebus.topology import TOPIC, types_read
from shop.messaging.failpoints import Point, reach
from shop.messaging.outbox.shards import shard_of

#: Bytes from which the events of a bundle are sent one by one: a message may have 256 KB.
LARGEST_BUNDLE_BYTES = 200_000

_SUBJECT = re.compile(r'"subject": ?"([0-9a-f-]{36})"').search

_Bundle = list[Outgoing]


class ServiceBusPublisher:
    """Publishes to the topic, or to an app's queue. After any exception it must be discarded."""

    def __init__(self, client: ServiceBusClient) -> None:
        self._client = client
        #: Queue, or "" for the topic -> its sender.
        self._senders: dict[str, ServiceBusSender] = {}
        self._types_read = types_read()

    def declare(self) -> None:
        """Do nothing: ``manage.py servicebus_topology`` makes the entities, with other rights."""

    def publish(self, batch: Sequence[Outgoing]) -> Receipt:
        """Publish a batch. Service Bus drops what no subscription wants, so the receipt names that."""
        receipt = Receipt()
        for queue, bundles in groupby(_bundles(batch), key=lambda bundle: bundle[0].queue):
            self._send(self._sender(queue), bundles, receipt)
        reach(Point.AFTER_PUBLISH)
        receipt.unroutable |= entry_ids(out for out in batch if self._is_unwanted(out))
        receipt.confirmed -= receipt.unroutable
        return receipt

    def _send(self, sender: ServiceBusSender, bundles: Iterable[_Bundle], receipt: Receipt) -> None:
        for envelope, ids in _envelopes(sender, bundles, receipt.unroutable):
            sender.send_messages(envelope, timeout=TIMEOUT)
            receipt.confirmed |= ids

    def _sender(self, queue: str) -> ServiceBusSender:
        if queue not in self._senders:
            client = self._client
            self._senders[queue] = (
                client.get_queue_sender(queue, **OPTIONS)
                if queue
                else client.get_topic_sender(TOPIC, **OPTIONS)
            )
        return self._senders[queue]

    def _is_unwanted(self, out: Outgoing) -> bool:
        return out.is_mandatory and not out.queue and out.type not in self._types_read


def _bundles(batch: Sequence[Outgoing]) -> Iterator[_Bundle]:
    """Bundle a batch, by session if the topic has them: that keeps the order of an aggregate's events."""
    groups: Iterable[Iterable[Outgoing]] = [batch]
    if settings.SHOP_SERVICEBUS_SESSIONS:
        groups = (group for _, group in groupby(sorted(batch, key=_session_of), key=_session_of))
    for group in groups:
        for bundle in bundled(group, settings.SHOP_EVENTS_PER_MESSAGE):
            fits = sum(len(out.body.encode()) for out in bundle) < LARGEST_BUNDLE_BYTES
            yield from [bundle] if fits else ([out] for out in bundle)


def _envelopes(
    sender: ServiceBusSender, bundles: Iterable[_Bundle], too_large: set[int]
) -> Iterator[tuple[ServiceBusMessageBatch, set[int]]]:
    """Fill envelopes, and yield each with the ids in it. What fits into none is added to ``too_large``."""
    envelope, ids = sender.create_message_batch(), set[int]()
    for bundle in bundles:
        message = _message(bundle)
        if not _added(envelope, message):
            if ids:
                yield envelope, ids
            envelope, ids = sender.create_message_batch(), set()
            if not _added(envelope, message):
                logger.error("an event of type %s is larger than Service Bus takes", bundle[0].type)
                too_large |= entry_ids(bundle)
                continue
        ids |= entry_ids(bundle)
    if ids:
        yield envelope, ids


def _added(envelope: ServiceBusMessageBatch, message: ServiceBusMessage) -> bool:
    try:
        envelope.add_message(message)
    except ValueError:  # it has no room left
        return False
    return True


def _message(bundle: _Bundle) -> ServiceBusMessage:
    first = bundle[0]
    content_type, body = contents_of(bundle)
    has_session = settings.SHOP_SERVICEBUS_SESSIONS and not first.queue
    return ServiceBusMessage(
        body,
        subject=first.type,
        message_id=str(first.message_id),
        content_type=content_type,
        application_properties={name: value for name, value in first.headers.items()},  # noqa: C416
        session_id=_session_of(first) if has_session else None,
    )


def _session_of(out: Outgoing) -> str:
    """Return the session of an event's aggregate: its shard."""
    match = _SUBJECT(out.body)
    return str(shard_of(UUID(match[1]))) if match else "0"
