"""Follower of the log: published events as they are committed, for programs of developers.

Positions may become visible out of order. A position that was skipped is looked for until no transaction is
open that could have taken it, so what is committed late is followed late, and never left out.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any

from django.db import connection
from django.db.models import Max, Q

from shop.messaging.contracts import Event, Reminder, cloudevents, with_older_copies
from shop.messaging.event_log import as_event
from shop.messaging.models import EventRecord

#: Events of one read.
_CHUNK = 500


@dataclass(frozen=True, slots=True)
class PublishedEvent:
    """An event in one of its versions, as it is on the event bus."""

    position: int
    id: str
    type: str
    time: datetime
    subject: str
    #: The CloudEvent as JSON, personal facts sealed.
    text: str


@dataclass(frozen=True, slots=True)
class _Gap:
    """Positions that were skipped, and the first transaction that cannot have taken any of them."""

    first: int
    last: int
    until: int


class Follower:
    """Reader of the events after a position of the log; by default after the newest."""

    def __init__(self, *, after: int | None = None, patterns: tuple[str, ...] = ()) -> None:
        """Begin after a position.

        Args:
            after: position in the log.
            patterns: of types, as in ``orders.*``. An event is read in the newest of its versions that one of
                them matches; without patterns, in its newest.
        """
        newest = EventRecord.objects.aggregate(newest=Max("position"))["newest"] or 0
        self._last: int = newest if after is None else after
        self._patterns = patterns
        self._gaps: list[_Gap] = []

    def new(self) -> Iterator[PublishedEvent]:
        """Yield what has been committed since the last call, by position."""
        while True:
            ended = _transaction("pg_snapshot_xmin")  # before the read, which then sees all that ended
            page = self._read()
            is_last = len(page) < _CHUNK
            if is_last:
                self._gaps = [gap for gap in self._gaps if gap.until > ended]
            self._note([record.position for record in page])
            yield from self._published(page)
            if is_last:
                return

    def _read(self) -> list[EventRecord]:
        wanted = Q(position__gt=self._last)
        for gap in self._gaps:
            wanted |= Q(position__range=(gap.first, gap.last))
        return list(EventRecord.objects.filter(wanted).order_by("position")[:_CHUNK])

    def _note(self, positions: list[int]) -> None:
        """Note the gaps that these positions leave, and close those that they fill."""
        until = 0
        for position in positions:
            if position <= self._last:
                self._gaps = [part for gap in self._gaps for part in _without(gap, position)]
                continue
            if position > self._last + 1:
                until = until or _transaction("pg_snapshot_xmax")
                self._gaps.append(_Gap(self._last + 1, position - 1, until))
            self._last = position

    def _published(self, page: list[EventRecord]) -> Iterator[PublishedEvent]:
        for record in page:
            event = as_event(record)
            if type(event).logged_only or isinstance(event, Reminder):
                continue
            if copy := self._chosen(event):
                text = cloudevents.encode(copy)
                subject = str(record.aggregate_id)
                yield PublishedEvent(record.position, str(record.id), copy.type, record.time, subject, text)

    def _chosen(self, event: Event) -> Event | None:
        if not self._patterns:
            return event
        return next((copy for copy in with_older_copies(event) if self._matches(copy.type)), None)

    def _matches(self, type_: str) -> bool:
        return any(fnmatchcase(type_, pattern) for pattern in self._patterns)


def _without(gap: _Gap, position: int) -> list[_Gap]:
    """Return what remains of a gap."""
    if not gap.first <= position <= gap.last:
        return [gap]
    parts = (gap.first, position - 1), (position + 1, gap.last)
    return [_Gap(first, last, gap.until) for first, last in parts if first <= last]


def _transaction(function: str) -> int:
    """Return a transaction id of the present snapshot."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(pg_current_snapshot())::text::bigint")
        row: Any = cursor.fetchone()
    return int(row[0])
