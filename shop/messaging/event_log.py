"""Reads of the event log: timelines, replays and counts."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Count

from shop.messaging.consuming.horizon import inbox_horizon
from shop.messaging.consuming.subscriptions import skipped_ranges
from shop.messaging.contracts import Event, Meta, as_version, event_type, event_types, newest
from shop.messaging.models import EventRecord

#: Events that one of these consumers has consumed, or may have consumed before the inbox horizon: those since
#: its beginning. An event that an edited copy replaced has an inbox row too, although it was not consumed.
_CONSUMED = """
    (EXISTS (SELECT FROM messaging_inboxentry AS inbox
             WHERE inbox.event_id = messaging_eventrecord.id AND inbox.consumer = ANY(%s))
     OR time < %s AND NOT EXISTS (
             SELECT FROM unnest(%s::text[], %s::bigint[], %s::bigint[]) AS skipped (type, after, until)
             WHERE skipped.type = messaging_eventrecord.type AND position > after AND position <= until)
     AND NOT EXISTS (
             SELECT FROM messaging_deadletter AS letter WHERE letter.event_id = messaging_eventrecord.id
             AND letter.consumer = ANY(%s) AND letter.status = 'discarded'))
    AND NOT EXISTS (
             SELECT FROM messaging_deadletter AS letter WHERE letter.event_id = messaging_eventrecord.id
             AND letter.consumer = ANY(%s) AND letter.status = 'replaced')
"""


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """An event in the history of an aggregate."""

    position: int
    id: UUID
    type: str
    sequence: int
    time: datetime
    correlation_id: UUID
    causation_id: UUID | None
    data: dict[str, Any]

    @property
    def app(self) -> str:
        """The app that published the event."""
        return self.type.split(".")[0]

    @property
    def name(self) -> str:
        """Name of the event without app and version, as in ``OrderCreated``."""
        return self.type.split(".")[1]


def timeline(aggregate_id: UUID) -> list[TimelineEntry]:
    """Return the history of an aggregate, oldest event first."""
    fields = ("position", "id", "type", "sequence", "time", "correlation_id", "causation_id", "data")
    rows = EventRecord.objects.filter(aggregate_id=aggregate_id).order_by("sequence").values_list(*fields)
    return [TimelineEntry(*row) for row in rows]


def replay(
    *,
    types: Sequence[str] | None = None,
    consumed_by: Sequence[str] | None = None,
    chunk: int = 2000,
) -> Iterator[Event]:
    """Yield the events of the log by position, in their newest versions, to rebuild read models.

    Args:
        types: only these types, as stored in the log.
        consumed_by: only events consumed by one of these consumers when their chunk is read. Events before
            the inbox horizon count as consumed, unless they were discarded. Events replaced by an edited
            copy do not.
        chunk: number of events in one read.
    """
    records = EventRecord.objects.order_by("position")
    if types is not None:
        records = records.filter(type__in=types)
    if consumed_by is not None:
        names = list(consumed_by)
        parameters = [names, inbox_horizon(), *skipped_ranges(names), names, names]
        records = records.extra(where=[_CONSUMED], params=parameters)  # noqa: S610 - a constant
    last = 0
    while page := list(records.filter(position__gt=last)[:chunk]):
        yield from map(as_event, page)
        last = page[-1].position


def count_events(types: Sequence[str] | None = None) -> int:
    """Return the number of events in the log, for progress bars."""
    records = EventRecord.objects.all()
    return (records.filter(type__in=types) if types is not None else records).count()


def has_more_events_than(count: int) -> bool:
    """Return whether the log has more than ``count`` events, without counting all of them."""
    return EventRecord.objects.order_by("position")[count : count + 1].exists()


def event_counts() -> Iterator[tuple[UUID, str, int]]:
    """Yield order, type and number of logged events about orders, by order; for audits.

    The type is the newest version of the fact. Each logged version is counted in an item of its own.
    """
    of_others = [kind.type for kind in event_types() if kind.aggregate != "order_id"]
    records = EventRecord.objects.exclude(type__in=of_others) if of_others else EventRecord.objects
    counts = records.values_list("aggregate_id", "type").annotate(n=Count("position"))
    for aggregate_id, type_, count in counts.order_by("aggregate_id").iterator(chunk_size=5000):
        yield aggregate_id, newest(event_type(type_)).type, count


def as_event(record: EventRecord) -> Event:
    """Return a logged event in its newest version."""
    meta = Meta(
        record.id, record.time, record.correlation_id, record.causation_id, record.traceparent or None
    )
    kind = event_type(record.type)
    return as_version(kind.restore(record.data).with_meta(meta), newest(kind))
