"""Backfill: sends a consumer the events of the log from before its beginning, oldest first.

The subscription keeps how far it has come, in the transaction that sends: after a crash the next run goes on
there, and two runs at once share the work. Events that the consumer has consumed or given up are left out.
"""

import time
from collections.abc import Collection, Iterator
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F, QuerySet

from shop.messaging.consuming import Consumer
from shop.messaging.consuming.subscriptions import logged_consumers, subscribe_new
from shop.messaging.models import DeadLetter, EventRecord, InboxEntry, OutboxEntry, Subscription
from shop.messaging.operations.resending import entry_for
from shop.messaging.outbox import channel

#: Events in one transaction.
CHUNK = 100
#: Events a second, by default. Orders go on meanwhile.
RATE = 100.0
#: Entries in the outbox above which a backfill waits, and the seconds until it looks again.
MAX_OUTBOX, WAIT = 2000, 0.5


def behind() -> list[tuple[Consumer, int]]:
    """Return the consumers with an unfinished backfill, and the number of events that it has left."""
    unfinished = Subscription.objects.filter(backfilled_to__lt=F("backfill_until"))
    names = set(unfinished.values_list("consumer", flat=True))
    return [(one, events_left(one)) for one in logged_consumers() if one.name in names]


def events_left(consumer: Consumer) -> int:
    """Return the number of events that a backfill has left, the consumed ones included."""
    return _waiting(consumer, Subscription.objects.get(consumer=consumer.name)).count()


@transaction.atomic
def request_backfill(consumer: Consumer, *, since: int = 0) -> Subscription:
    """Have a consumer begin after position ``since``, so that events from there on are to be sent.

    An unfinished backfill goes on. A consumer that begins earlier already stays as it is.
    """
    subscribe_new([consumer.app])
    subscription = Subscription.objects.select_for_update().get(consumer=consumer.name)
    if not subscription.is_behind and since < subscription.position:
        subscription.backfill_until = subscription.position
        subscription.position = subscription.backfilled_to = since
        subscription.save()
    return subscription


@transaction.atomic
def send_chunk(consumer: Consumer, limit: int = CHUNK) -> tuple[int, bool]:
    """Send the next events to the consumer's queue; return their number, and whether any may be left."""
    subscription = Subscription.objects.select_for_update().get(consumer=consumer.name)
    records = list(_waiting(consumer, subscription).order_by("position")[:limit])
    done = _done(consumer, [record.id for record in records])
    entries = [entry_for(consumer, record) for record in records if record.id not in done]
    OutboxEntry.objects.bulk_create(entries)
    is_last = len(records) < limit
    subscription.backfilled_to = subscription.backfill_until if is_last else records[-1].position
    subscription.save()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, '')", [channel.CHANNEL])
    return len(entries), not is_last


def backfill(consumer: Consumer, *, rate: float = RATE) -> Iterator[int]:
    """Send all events that are left, at most ``rate`` a second; yield the number sent so far."""
    sent, has_more, chunk = 0, True, max(1, min(CHUNK, int(rate)))
    while has_more:
        while OutboxEntry.objects.count() > MAX_OUTBOX:
            time.sleep(WAIT)
        number, has_more = send_chunk(consumer, chunk)
        sent += number
        yield sent
        if has_more:
            time.sleep(number / rate)


def _waiting(consumer: Consumer, subscription: Subscription) -> QuerySet[EventRecord]:
    return EventRecord.objects.filter(
        type__in=consumer.logged_as,
        position__gt=subscription.backfilled_to,
        position__lte=subscription.backfill_until,
    )


def _done(consumer: Consumer, ids: Collection[UUID]) -> set[UUID | None]:
    """Return the events that the consumer has consumed, or that are in an operator's hands."""
    consumed = InboxEntry.objects.filter(consumer=consumer.name, event_id__in=ids)
    letters = DeadLetter.objects.filter(app=consumer.app, event_id__in=ids).exclude(
        status=DeadLetter.Status.REPLAYED
    )
    return {*consumed.values_list("event_id", flat=True), *letters.values_list("event_id", flat=True)}
