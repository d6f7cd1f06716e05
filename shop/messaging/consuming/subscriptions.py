"""Subscriptions: the position in the log from which a consumer's events are its own.

They are read when a worker starts, by the order doctor and by commands; no event is looked up here.
"""

from collections.abc import Collection
from typing import Any

from django.db.models import Max

from shop.messaging.consuming.registry import Consumer, consumers
from shop.messaging.contracts import Reminder
from shop.messaging.models import EventRecord, Subscription

#: Largest position.
LAST_POSSIBLE = 2**63 - 1
#: SQL condition: the event ``record`` is the consumer's own, and no backfill is to send it.
OWED = """
    record.position > subscription.position
    AND (record.position <= subscription.backfilled_to OR record.position > subscription.backfill_until)
"""


def logged_consumers() -> list[Consumer]:
    """Return the consumers of logged events, which are all but those of timers."""
    return [consumer for consumer in consumers() if not issubclass(consumer.event, Reminder)]


def last_position() -> int:
    """Return the position of the newest event; 0 if the log is empty."""
    return EventRecord.objects.aggregate(last=Max("position"))["last"] or 0


def skipped_ranges(names: Collection[str]) -> tuple[list[str], list[int], list[int]]:
    """Return the ranges of the log that are not these consumers' own: type, position before and last one."""
    known = Subscription.objects.in_bulk(list(names))
    ranges = [
        (type_, after, until)
        for consumer in logged_consumers()
        if consumer.name in names
        for after, until in _skipped(known.get(consumer.name))
        for type_ in consumer.logged_as
        if after < until
    ]
    types, afters, untils = zip(*ranges, strict=True) if ranges else ((), (), ())
    return list(types), list(afters), list(untils)


def _skipped(subscription: Subscription | None) -> list[tuple[int, int]]:
    if subscription is None:
        return [(0, LAST_POSSIBLE)]
    return [(0, subscription.position), (subscription.backfilled_to, subscription.backfill_until)]


def subscribe_new(apps: Collection[str] | None = None) -> list[str]:
    """Begin the subscriptions of consumers that have none, now or where they declare it; return their names.

    Events in between are sent by a backfill.

    Args:
        apps: consumers of these apps alone; by default of all.
    """
    known = set(Subscription.objects.values_list("consumer", flat=True))
    new = [one for one in logged_consumers() if one.name not in known and (apps is None or one.app in apps)]
    if new:
        now = last_position()
        Subscription.objects.bulk_create([_beginning(one, now) for one in new], ignore_conflicts=True)
    return [consumer.name for consumer in new]


def _beginning(consumer: Consumer, now: int) -> Subscription:
    position = now if consumer.since is None else min(consumer.since, now)
    return Subscription(consumer=consumer.name, position=position, backfilled_to=position, backfill_until=now)


def subscribe_in_empty_log(apps: Any = None, **kwargs: Any) -> None:
    """Receiver of ``post_migrate``: have all consumers of a new installation begin with its first event."""
    has_table = apps is None or "subscription" in apps.all_models["messaging"]
    if has_table and not EventRecord.objects.exists():
        subscribe_new()
