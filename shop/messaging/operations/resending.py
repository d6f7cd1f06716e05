"""Resending of lost deliveries: logged events that a consumer has not consumed and that no row will bring.

Deliveries are lost with a purged or unbound queue, or with the broker's disk. The event log still has every
event, and the inbox skips an event that was consumed after all.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from shop.ids import uuid7_at
from shop.messaging.consuming import Consumer, consumers
from shop.messaging.consuming.horizon import inbox_horizon
from shop.messaging.consuming.subscriptions import OWED, logged_consumers
from shop.messaging.contracts import as_version, cloudevents
from shop.messaging.event_log import as_event
from shop.messaging.models import EventRecord, OutboxEntry
from shop.messaging.outbox import channel, shards

#: Events in the outbox, in a retry or in a dead letter are not lost. Dead letters of crashed and unreadable
#: messages have no event id: their bodies are searched for it.
_LOST = f"""
    SELECT subscribed.app, subscribed.consumer, record.id, record.type, record.aggregate_id
    FROM unnest(%s::text[], %s::text[], %s::text[]) AS subscribed (app, consumer, type)
    JOIN messaging_subscription AS subscription USING (consumer)
    JOIN messaging_eventrecord AS record USING (type)
    WHERE record.id > %s AND record.time < now() - %s AND {OWED}
      AND (%s::uuid[] IS NULL OR record.id = ANY(%s))
      AND NOT EXISTS (
        SELECT FROM messaging_inboxentry AS inbox
        WHERE inbox.event_id = record.id AND inbox.consumer = subscribed.consumer)
      AND NOT EXISTS (
        SELECT FROM messaging_outboxentry AS entry
        WHERE entry.message_id = record.id AND entry.queue IN ('', subscribed.app || '.events'))
      AND NOT EXISTS (
        SELECT FROM messaging_scheduledmessage AS later
        WHERE later.message_id = record.id AND later.app = subscribed.app)
      AND NOT EXISTS (
        SELECT FROM messaging_deadletter AS letter
        WHERE letter.event_id = record.id AND letter.app IN ('', subscribed.app)
          AND letter.status IN ('open', 'discarded', 'replaced'))
      AND NOT EXISTS (
        SELECT FROM messaging_deadletter AS letter
        WHERE letter.event_id IS NULL AND letter.app = subscribed.app AND letter.cause <> 'forged'
          AND letter.status IN ('open', 'discarded', 'replaced') AND strpos(letter.body, record.id::text) > 0)
    ORDER BY record.position LIMIT %s
"""  # noqa: S608 - a constant


@dataclass(frozen=True, slots=True)
class LostDelivery:
    """A published event that a consumer has not consumed and that no pending message will bring."""

    app: str
    consumer: str
    event_id: UUID
    type: str
    aggregate_id: UUID


def lost_deliveries(
    *, grace: timedelta, limit: int = 10_000, event_ids: Collection[UUID] | None = None
) -> list[LostDelivery]:
    """Return lost deliveries, oldest first, as far as the database shows. The broker is not asked.

    Events before a consumer's beginning are not lost.

    Args:
        grace: age from which an unconsumed event counts as lost.
        limit: largest number of deliveries returned.
        event_ids: restrict the search to these events.
    """
    subscribed = [
        (consumer.app, consumer.name, type_)
        for consumer in logged_consumers()
        for type_ in consumer.logged_as
    ]
    ids = None if event_ids is None else list(event_ids)
    columns = map(list, zip(*subscribed, strict=True))
    parameters: list[Any] = [*columns, uuid7_at(inbox_horizon()), grace, ids, ids, limit]
    with connection.cursor() as cursor:
        cursor.execute(_LOST, parameters)
        return [LostDelivery(*row) for row in cursor.fetchall()]


@transaction.atomic
def resend(deliveries: Collection[LostDelivery]) -> list[LostDelivery]:
    """Write lost events to the outbox again, each for its one consumer's queue. Returns those sent.

    Events that are no longer lost are left out. An event that still waits in the broker may be sent twice:
    the inbox skips the second copy.
    """
    requested = set(deliveries)
    ids = {delivery.event_id for delivery in requested}
    still_lost = lost_deliveries(grace=timedelta(0), limit=len(ids) * len(consumers()), event_ids=ids)
    lost = [delivery for delivery in still_lost if delivery in requested]
    records = EventRecord.objects.in_bulk(ids, field_name="id")
    known = {consumer.name: consumer for consumer in consumers()}
    entries = [entry_for(known[delivery.consumer], records[delivery.event_id]) for delivery in lost]
    OutboxEntry.objects.bulk_create(entries, batch_size=1000)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, '')", [channel.CHANNEL])
    return lost


def entry_for(consumer: Consumer, record: EventRecord) -> OutboxEntry:
    """Return an entry that sends a logged event to one consumer's queue."""
    event = as_version(as_event(record), consumer.event)
    return OutboxEntry(
        shard=shards.shard_of(record.aggregate_id),
        message_id=record.id,
        type=event.type,
        queue=consumer.queue,
        body=cloudevents.encode(event),
    )
