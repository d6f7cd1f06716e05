"""Reads of the event log: timelines, replays and counts."""

import builtins
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Count

from shop.messaging.consuming.horizon import inbox_horizon
from shop.messaging.consuming.subscriptions import skipped_ranges
from shop.messaging.contracts import (
    Event,
    Meta,
    as_version,
    cloudevents,
    event_type,
    event_types,
    newest,
    versions,
    with_older_copies,
)
from shop.messaging.models import DeadLetter, EventRecord
from shop.postgres.planning import custom_plans

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
             AND letter.consumer = ANY(%s) AND letter.status = ANY(%s)))
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


class LoggedEvent(NamedTuple):
    """An event of the log as it is stored; parsed when somebody asks for more than its kind."""

    type: str
    data: dict[str, Any]

    @property
    def kind(self) -> builtins.type[Event]:
        """The newest version of the event."""
        return newest(event_type(self.type))

    def parsed(self) -> Event:
        """Return the event in its newest version, without meta."""
        return as_version(event_type(self.type).restore(self.data), self.kind)


class LoggedFact(NamedTuple):
    """Facts of the log about an event, beside its data."""

    id: UUID
    type: str
    aggregate_id: UUID
    sequence: int
    time: datetime
    #: Position in the log; 0 if it is not there.
    position: int = 0


class LoggedCopies(NamedTuple):
    """An event of the log as it is published: a CloudEvent for each version, by type, newest first."""

    position: int
    aggregate_id: UUID
    messages: dict[str, str]


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
        records = records.extra(where=[_CONSUMED], params=_consumed(consumed_by))  # noqa: S610 - a constant
    last = 0
    while page := list(records.filter(position__gt=last)[:chunk]):
        yield from map(as_event, page)
        last = page[-1].position


def _consumed(consumers: Sequence[str], not_yet: Sequence[str] = ()) -> list[Any]:
    """Return the parameters of _CONSUMED; ``not_yet`` are statuses of letters that will come, if anything."""
    names = list(consumers)
    unconsumed = [*not_yet, DeadLetter.Status.DISCARDED]
    return [names, inbox_horizon(), *skipped_ranges(names), names, unconsumed, names]


def types_of(*kinds: type[Event]) -> list[str]:
    """Return the types of events in the log: those of all versions."""
    return [version.type for kind in kinds for version in versions(kind)]


def known_events(
    aggregate_ids: Collection[UUID], *, published: Sequence[str], consumed_by: Sequence[str]
) -> dict[UUID, list[LoggedEvent]]:
    """Return the events of each aggregate that an app knows, oldest first.

    Args:
        aggregate_ids: aggregates, few enough for one read.
        published: types that the app publishes itself.
        consumed_by: consumers of the app; see replay(). Events of open dead letters do not count either.
    """
    where = f"(type = ANY(%s) OR {_CONSUMED})"
    parameters = [list(published), *_consumed(consumed_by, [DeadLetter.Status.OPEN])]
    records = EventRecord.objects.filter(aggregate_id__in=aggregate_ids).order_by("aggregate_id", "sequence")
    records = records.extra(where=[where], params=parameters)  # noqa: S610 - a constant
    known: dict[UUID, list[LoggedEvent]] = {aggregate_id: [] for aggregate_id in aggregate_ids}
    for aggregate_id, type_, data in records.values_list("aggregate_id", "type", "data"):
        known[aggregate_id].append(LoggedEvent(type_, data))
    return known


def with_edited_copies(aggregate_ids: Collection[UUID], *, consumers: Sequence[str]) -> set[UUID]:
    """Return those of the aggregates of which a consumer got an edited copy, which the log does not have."""
    replaced = DeadLetter.objects.filter(
        aggregate_id__in=aggregate_ids, consumer__in=consumers, status=DeadLetter.Status.REPLACED
    )
    return {found for found in replaced.values_list("aggregate_id", flat=True) if found}


def events_until(aggregate_id: UUID, sequence: int, *, consumers: Sequence[str]) -> list[Event] | None:
    """Return the events of an aggregate up to the one with this number; None if there is none.

    Left out are events that these consumers will never consume, because an operator discarded or replaced
    them.
    """
    stream = EventRecord.objects.filter(aggregate_id=aggregate_id, sequence__lte=sequence)
    records = list(stream.order_by("sequence"))
    if not records or records[-1].sequence != sequence:
        return None
    closed = DeadLetter.objects.filter(
        event_id__in=[record.id for record in records],
        consumer__in=consumers,
        status__in=[DeadLetter.Status.DISCARDED, DeadLetter.Status.REPLACED],
    )
    dropped = set(closed.values_list("event_id", flat=True))
    return [as_event(record) for record in records if record.id not in dropped]


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


def logged_within(after: int, until: int, *, limit: int) -> list[LoggedFact]:
    """Return events with positions after ``after`` up to ``until``, by position, without the data.

    ``until`` is at most the position of a :class:`~shop.messaging.log_horizon.LogHorizon`: none is skipped.
    """
    records = EventRecord.objects.filter(position__gt=after, position__lte=until).order_by("position")
    return [LoggedFact(*row) for row in records.values_list(*LoggedFact._fields)[:limit]]


def first_time_after(position: int) -> datetime | None:
    """Return when the first event after a position happened; None if there is none."""
    later = EventRecord.objects.filter(position__gt=position).order_by("position")
    return later.values_list("time", flat=True).first()


def logged_between(after: UUID, before: UUID, *, types: Collection[str], limit: int) -> list[LoggedFact]:
    """Return what the log has with ids between these, exclusive, without the data. Ids are by time."""
    records = EventRecord.objects.filter(id__gt=after, id__lt=before, type__in=types).order_by("id")
    return [LoggedFact(*row) for row in records.values_list(*LoggedFact._fields)[:limit]]


def messages_of(types: Mapping[UUID, str]) -> dict[UUID, str]:
    """Return the CloudEvents of logged events, each in the version that ``types`` names by its id.

    An event that the log does not have, or that is not published in that version any more, is left out.
    """
    found: dict[UUID, str] = {}
    for record in EventRecord.objects.filter(id__in=list(types)):
        for copy in with_older_copies(as_event(record)):
            if copy.type == types[record.id]:
                found[record.id] = cloudevents.encode(copy)
    return found


def published_between(
    after: int,
    until: int,
    *,
    types: Collection[str],
    aggregate_ids: Collection[UUID] | None = None,
    limit: int,
) -> list[LoggedCopies]:
    """Return events with positions after ``after`` up to ``until``, by position.

    Args:
        after: a position that was read before, or 0.
        until: at most the position of a :class:`~shop.messaging.log_horizon.LogHorizon`: nothing is skipped.
        types: types as stored in the log.
        aggregate_ids: only events about these.
        limit: number of events.
    """
    records = EventRecord.objects.filter(position__gt=after, position__lte=until, type__in=types)
    if aggregate_ids is not None:
        records = records.filter(aggregate_id__in=aggregate_ids)
    with custom_plans():
        found = list(records.order_by("position")[:limit])
    return [LoggedCopies(record.position, record.aggregate_id, _messages_of(record)) for record in found]


def _messages_of(record: EventRecord) -> dict[str, str]:
    return {copy.type: cloudevents.encode(copy) for copy in with_older_copies(as_event(record))}


def as_event(record: EventRecord) -> Event:
    """Return a logged event in its newest version."""
    meta = Meta(
        record.id, record.time, record.correlation_id, record.causation_id, record.traceparent or None
    )
    kind = event_type(record.type)
    return as_version(kind.restore(record.data).with_meta(meta), newest(kind))
