"""Trace of an aggregate from log and inbox: who consumed its events, and which events that led to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, timedelta
from uuid import UUID

from shop.messaging.event_log import TimelineEntry, timeline
from shop.messaging.models import DeadLetter, InboxEntry, ScheduledMessage
from shop.messaging.operations.queries import inbox_gaps

_OPEN, _DISCARDED = DeadLetter.Status.OPEN, DeadLetter.Status.DISCARDED


@dataclass(frozen=True, slots=True)
class Published:
    """An event of the log, with its consumptions by time."""

    event: TimelineEntry
    consumptions: Sequence[Consumption]


@dataclass(frozen=True, slots=True)
class Consumption:
    """A consumer's run over an event or reminder, or what it waits for."""

    consumer: str
    published: Sequence[Published] = ()
    #: Time between the event and the run; None if unknown, as for reminders.
    waited: timedelta | None = None
    #: Duration of the run; None for rows from before it was recorded.
    took: timedelta | None = None
    #: Attempts, failed ones included.
    tried: int = 0
    #: Reason why the event is not consumed; empty if it is.
    missing: str = ""


@dataclass(frozen=True, slots=True)
class Trace:
    """All that happened to an aggregate."""

    requested: Sequence[Published]
    reminded: Sequence[Consumption]


def trace_of(aggregate_id: UUID) -> Trace:
    """Return the trace of an aggregate.

    Consumptions that the inbox has pruned are left out: events that they led to appear as requested.
    """
    return _Tree(aggregate_id).trace()


class _Tree:
    """Events of an aggregate by their causes, and runs and gaps by their events."""

    def __init__(self, aggregate_id: UUID) -> None:
        self._events = timeline(aggregate_id)
        self._by_id = {event.id: event for event in self._events}
        self._causes = {event.causation_id for event in self._events if event.causation_id}
        ids = self._by_id.keys() | self._causes
        self._runs: dict[UUID, list[InboxEntry]] = defaultdict(list)
        for run in InboxEntry.objects.filter(event_id__in=ids).order_by("consumed_at", "pk"):
            self._runs[run.event_id].append(run)
        self._gaps: dict[UUID | None, dict[str, Consumption]] = defaultdict(dict)
        for event_id, gap in self._find_gaps(aggregate_id):
            self._gaps[event_id][gap.consumer] = gap

    def trace(self) -> Trace:
        known = {event.id for event in self._events if self._publisher(event)}
        return Trace(
            requested=[self._published(event) for event in self._events if event.id not in known],
            reminded=[
                self._consumption(run)
                for id in sorted(self._causes - self._by_id.keys())
                for run in self._runs[id]
            ],
        )

    def _published(self, event: TimelineEntry) -> Published:
        runs = [self._consumption(run) for run in self._runs[event.id]]
        return Published(event, [*runs, *self._gaps[event.id].values()])

    def _consumption(self, run: InboxEntry) -> Consumption:
        cause = self._by_id.get(run.event_id)
        began = run.began_at or run.consumed_at
        return Consumption(
            run.consumer,
            published=[self._published(event) for event in self._events if self._publisher(event) == run],
            waited=began - cause.time if cause else None,
            took=run.consumed_at - run.began_at if run.began_at else None,
            tried=run.attempts + 1,
        )

    def _publisher(self, event: TimelineEntry) -> InboxEntry | None:
        """Return the run that published an event: an app has one consumer of its cause."""
        runs = self._runs[event.causation_id] if event.causation_id else []
        return next((run for run in runs if run.consumer.split(".")[0] == event.app), None)

    def _find_gaps(self, aggregate_id: UUID) -> Iterator[tuple[UUID | None, Consumption]]:
        """Yield events that a consumer has not consumed; the later reason is the better one."""
        for gap in inbox_gaps(about=aggregate_id):
            yield gap.event_id, Consumption(gap.consumer, missing="on its way")
        for message in ScheduledMessage.objects.filter(message_id__in=self._by_id).exclude(consumer=""):
            missing = f"{message.get_kind_display()} at {message.due_at.astimezone(UTC):%H:%M:%S}"
            yield (
                message.message_id,
                Consumption(
                    message.consumer,
                    tried=message.attempts,
                    missing=": ".join(filter(None, [missing, message.last_error])),
                ),
            )
        for letter in DeadLetter.objects.filter(event_id__in=self._by_id, status__in=[_OPEN, _DISCARDED]):
            yield (
                letter.event_id,
                Consumption(
                    letter.consumer,
                    tried=letter.attempts,
                    missing=f"{letter.status} dead letter {letter.pk}: {letter.error_type}: {letter.error}",
                ),
            )
