"""Follower of the log: published events as they are committed, for programs of developers.

It reads up to the horizon of the log, so an event that commits late is not left out.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase

from shop.messaging.contracts import Event, Reminder, cloudevents, with_older_copies
from shop.messaging.event_log import as_event
from shop.messaging.log_horizon import LogHorizon
from shop.messaging.models import EventRecord

#: Events of one read.
_CHUNK = 500
#: Seconds between two looks for a horizon.
_PAUSE = 0.02


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


class Follower:
    """Reader of the events after a position of the log; by default of those to come."""

    def __init__(self, *, after: int | None = None, patterns: tuple[str, ...] = ()) -> None:
        """Begin after a position.

        Args:
            after: position in the log.
            patterns: of types, as in ``orders.*``. An event is read in the newest of its versions that one of
                them matches; without patterns, in its newest.
        """
        self._horizon = LogHorizon()
        self._last = self._known_horizon() if after is None else after
        self._patterns = patterns

    def _known_horizon(self) -> int:
        while not (position := self._horizon.look()) and self._horizon.is_behind:
            time.sleep(_PAUSE)
        return position

    def new(self) -> Iterator[PublishedEvent]:
        """Yield what has been committed since the last call, by position."""
        until = self._horizon.look()
        while page := self._read(until):
            self._last = page[-1].position
            yield from self._published(page)

    def _read(self, until: int) -> list[EventRecord]:
        found = EventRecord.objects.filter(position__gt=self._last, position__lte=until)
        return list(found.order_by("position")[:_CHUNK])

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
