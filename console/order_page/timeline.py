"""One timeline of an order: events, acts of staff, notes, and messages to the customer."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.utils.translation import gettext

from notifications.queries import NotificationSummary
from orders.notes.queries import notes_of
from shop import journal, stored_texts
from shop.messaging.event_log import TimelineEntry
from shop.privacy.showing import shown


@dataclass(frozen=True, slots=True)
class TimelineRow:
    """Something that happened to an order, as a row of its timeline."""

    #: ``event``, ``act``, ``note`` or ``message``.
    kind: str
    time: datetime
    #: The app that published the event, or the member of staff.
    by: str
    title: str
    #: Time since the order was placed.
    since: timedelta = timedelta(0)
    detail: str = ""
    #: The event.
    entry: TimelineEntry | None = None
    #: Name of the event that caused it, if that is about the same order.
    cause: str = ""

    @property
    def elapsed(self) -> str:
        """Time since the order was placed, as in ``1.250 s``."""
        return f"{self.since.total_seconds():,.3f} s"

    @property
    def facts(self) -> list[tuple[str, Any]]:
        """Fields of the event, except for the order."""
        data = self.entry.data if self.entry else {}
        return [(name, _plain(value)) for name, value in data.items() if name != "order_id"]


def timeline_of(
    order_id: UUID, entries: Sequence[TimelineEntry], messages: Iterable[NotificationSummary]
) -> list[TimelineRow]:
    """Return all that happened to an order, oldest first, with its events and messages as they are given."""
    start = entries[0].time if entries else None
    rows = [*_events(entries, start), *_acts(order_id, start), *_notes(order_id, start)]
    return sorted([*rows, *_messages(messages, start)], key=lambda row: row.time)


def _events(found: Sequence[TimelineEntry], start: datetime | None) -> Iterator[TimelineRow]:
    entries = shown(list(found), personal=False)
    names: dict[UUID | None, str] = {entry.id: entry.name for entry in entries}
    for entry in entries:
        cause = names.get(entry.causation_id, "")
        since = _since(entry.time, start)
        yield TimelineRow("event", entry.time, entry.app, entry.name, since, entry=entry, cause=cause)


def _acts(order_id: UUID, start: datetime | None) -> Iterator[TimelineRow]:
    for act in journal.acts_on("orders", "order", order_id):
        yield TimelineRow("act", act.at, act.by, stored_texts.translated(act.text), _since(act.at, start))


def _notes(order_id: UUID, start: datetime | None) -> Iterator[TimelineRow]:
    for note in notes_of(order_id):
        yield TimelineRow("note", note.at, note.by, gettext("Note"), _since(note.at, start), note.text)


def _messages(messages: Iterable[NotificationSummary], start: datetime | None) -> Iterator[TimelineRow]:
    for sent in messages:
        if sent.sent_at:
            since = _since(sent.sent_at, start)
            yield TimelineRow("message", sent.sent_at, "notifications", sent.subject, since)


def _since(time: datetime, start: datetime | None) -> timedelta:
    return max(time - (start or time), timedelta(0))


def _plain(value: Any) -> Any:
    """Format money as ``49.90 EUR`` and lists item by item; return other values unchanged."""
    if isinstance(value, dict) and value.keys() == {"amount", "currency"}:
        return f"{value['amount']} {value['currency']}"
    if isinstance(value, dict):
        return ", ".join(str(_plain(item)) for item in value.values())
    if isinstance(value, list):
        return "; ".join(str(_plain(item)) for item in value)
    return value
