"""Replay of the log and of the journal into shadow tables, through the consumers of live events."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import islice

from django.db import transaction

from analytics import shadow_tables
from analytics.measurements import Measurement
from analytics.models import JournalEntry
from analytics.registry import Apply
from shop.messaging.consuming import Consumer, consumers
from shop.messaging.contracts import Event, as_version
from shop.messaging.event_log import count_events, replay

#: Number of events that a rebuild projects at a time.
CHUNK = 2000

#: Called with the number of events done and their approximate total.
Progress = Callable[[int, int], None]

_collected: ContextVar[list[Measurement] | None] = ContextVar("collected", default=None)


def collected(measurements: Sequence[Measurement]) -> bool:
    """Collect measurements if a replay makes them, and return whether it does."""
    found = _collected.get()
    if found is None:
        return False
    found.extend(measurements)
    return True


def replay_log(apply: Apply, progress: Progress) -> int:
    """Replay the consumed events of the log into the shadow tables; return their number.

    Events in the journal are left out: they come from there.
    """
    own = [consumer for consumer in consumers() if consumer.app == "analytics"]
    subscribed = {type_: consumer for consumer in own for type_ in consumer.logged_as}
    names = [consumer.name for consumer in own]
    log = replay(types=list(subscribed), consumed_by=names, chunk=CHUNK)
    done, total = 0, count_events(list(subscribed))
    while events := list(islice(log, CHUNK)):
        measurements = _measurements_of(events, subscribed)
        _add_to_shadow_tables(apply, _not_in_journal(measurements))
        done += len(events)
        progress(done, total)
    return done


def add_from_journal(apply: Apply) -> bool:
    """Move a chunk of the journal into the shadow tables; return False if it was the last."""
    with transaction.atomic():
        entries = list(JournalEntry.objects.order_by("pk")[:CHUNK])
        JournalEntry.objects.filter(pk__in=[entry.pk for entry in entries]).delete()
        _add_to_shadow_tables(apply, [Measurement.from_json(entry.observation) for entry in entries])
    return len(entries) == CHUNK


def add_whole_journal(apply: Apply) -> None:
    """Move the journal into the shadow tables."""
    while add_from_journal(apply):
        pass


def _measurements_of(events: Iterable[Event], subscribed: dict[str, Consumer]) -> list[Measurement]:
    """Return the measurements that the consumers make of events."""
    by_consumer: defaultdict[Consumer, list[Event]] = defaultdict(list)
    for event in events:
        consumer = subscribed[event.type]
        by_consumer[consumer].append(as_version(event, consumer.event))
    with _collecting() as measurements:
        for consumer, alike in by_consumer.items():
            consumer.handler(alike)
    return measurements


@contextmanager
def _collecting() -> Iterator[list[Measurement]]:
    """Collect measurements instead of projecting them."""
    measurements: list[Measurement] = []
    token = _collected.set(measurements)
    try:
        yield measurements
    finally:
        _collected.reset(token)


def _not_in_journal(measurements: Sequence[Measurement]) -> list[Measurement]:
    ids = [measurement.event_id for measurement in measurements]
    journaled = set(JournalEntry.objects.filter(event_id__in=ids).values_list("event_id", flat=True))
    return [measurement for measurement in measurements if measurement.event_id not in journaled]


def _add_to_shadow_tables(apply: Apply, measurements: Sequence[Measurement]) -> None:
    if measurements:
        with shadow_tables.redirected():
            apply(measurements)
