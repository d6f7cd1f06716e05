"""Reads the event log: timelines, replays and counts."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Count

from shop.messaging.consuming.horizon import inbox_horizon
from shop.messaging.contracts import Event, Meta, as_version, event_type, newest
from shop.messaging.models import EventRecord

#: What one of these consumers has consumed, or may have so long ago that its inbox forgot it. What was
#: replaced by an edited copy has an inbox row too, but they did not consume it.
_CONSUMED = """
    (EXISTS (SELECT FROM messaging_inboxentry AS inbox
             WHERE inbox.event_id = messaging_eventrecord.id AND inbox.consumer = ANY(%s))
     OR time < %s AND NOT EXISTS (
             SELECT FROM messaging_deadletter AS letter WHERE letter.event_id = messaging_eventrecord.id
             AND letter.consumer = ANY(%s) AND letter.status = 'discarded'))
    AND NOT EXISTS (
             SELECT FROM messaging_deadletter AS letter WHERE letter.event_id = messaging_eventrecord.id
             AND letter.consumer = ANY(%s) AND letter.status = 'replaced')
"""


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """An event of an aggregate's history."""

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
        """Who published it."""
        return self.type.split(".")[0]

    @property
    def name(self) -> str:
        """Its name without app and version, as in ``OrderCreated``."""
        return self.type.split(".")[1]


def timeline(aggregate_id: UUID) -> list[TimelineEntry]:
    """The history of an aggregate, oldest first."""
    fields = ("position", "id", "type", "sequence", "time", "correlation_id", "causation_id", "data")
    rows = EventRecord.objects.filter(aggregate_id=aggregate_id).order_by("sequence").values_list(*fields)
    return [TimelineEntry(*row) for row in rows]


def replay(
    *,
    types: Sequence[str] | None = None,
    consumed_by: Sequence[str] | None = None,
    chunk: int = 2000,
) -> Iterator[Event]:
    """The events of the log, by position, read in chunks: for rebuilding read models.

    Args:
        types: only these types, as the log has them; the events come in their newest version.
        consumed_by: only events that have an inbox row of one of these consumers, at the time when their
            chunk is read, or that are so old that the inbox may have forgotten them and were not discarded;
            never what an operator has replaced by an edited copy.
        chunk: how many events are read at a time.
    """
    records = EventRecord.objects.order_by("position")
    if types is not None:
        records = records.filter(type__in=types)
    if consumed_by is not None:
        names = list(consumed_by)
        parameters = [names, inbox_horizon(), names, names]
        records = records.extra(where=[_CONSUMED], params=parameters)  # noqa: S610 - a constant
    last = 0
    while page := list(records.filter(position__gt=last)[:chunk]):
        yield from map(as_event, page)
        last = page[-1].position


def count_events(types: Sequence[str] | None = None) -> int:
    """How many events the log holds, for progress bars."""
    records = EventRecord.objects.all()
    return (records.filter(type__in=types) if types is not None else records).count()


def has_more_events_than(count: int) -> bool:
    """Whether the log is longer than that, without counting what is beyond."""
    return EventRecord.objects.order_by("position")[count : count + 1].exists()


def event_counts() -> Iterator[tuple[UUID, str, int]]:
    """For audits: aggregate, type, and how many events of it the log holds, streamed by aggregate.

    All versions of a fact count as the newest, each on a line of its own.
    """
    counts = EventRecord.objects.values_list("aggregate_id", "type").annotate(n=Count("position"))
    for aggregate_id, type_, count in counts.order_by("aggregate_id").iterator(chunk_size=5000):
        yield aggregate_id, newest(event_type(type_)).type, count


def as_event(record: EventRecord) -> Event:
    """The event that a row of the log tells of, in its newest version."""
    meta = Meta(
        record.id, record.time, record.correlation_id, record.causation_id, record.traceparent or None
    )
    kind = event_type(record.type)
    return as_version(kind.model_validate(record.data).with_meta(meta), newest(kind))
