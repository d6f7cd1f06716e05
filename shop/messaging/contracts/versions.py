"""Conversions between the versions of one event."""

from __future__ import annotations

from collections.abc import Iterator

from shop.messaging.contracts.event import Event, newest
from shop.messaging.errors import UnknownEventType


def versions_up_to(kind: type[Event]) -> tuple[type[Event], ...]:
    """Return ``kind`` and its earlier versions, newest first: all that a reader of ``kind`` can upcast."""
    return (kind, *(versions_up_to(kind.replaces) if kind.replaces else ()))


def versions(kind: type[Event]) -> tuple[type[Event], ...]:
    """Return all versions of an event, newest first."""
    return versions_up_to(newest(kind))


def sent_versions(kind: type[Event]) -> list[type[Event]]:
    """Return the versions that are sent side by side, newest first: as far as there are downcasts."""
    sent = [newest(kind)]
    while sent[-1].replaces and sent[-1].downcast is not Event.downcast:
        sent.append(sent[-1].replaces)
    return sent


def as_version(event: Event, kind: type[Event]) -> Event:
    """Convert an event to the version ``kind``, with the same meta.

    Raises:
        UnknownEventType: ``kind`` is another event, or a version without a downcast to it.
    """
    if type(event) is kind:
        return event
    if kind in versions_up_to(type(event)):
        older = event.downcast()
        if older is None:
            raise UnknownEventType(f"{event.type} is no longer published as {kind.type}")
        return as_version(_with_meta_of(event, older), kind)
    if kind.replaces is None:
        raise UnknownEventType(f"{event.type} is not a version of {kind.type}")
    return _with_meta_of(event, kind.upcast(as_version(event, kind.replaces)))


def with_older_copies(event: Event) -> Iterator[Event]:
    """Yield the event, and its copies in the older versions that are still published."""
    yield event
    older = event.downcast()
    if older is not None:
        yield from with_older_copies(_with_meta_of(event, older))


def _with_meta_of(event: Event, copy: Event) -> Event:
    return copy.with_meta(event._meta) if event._meta else copy
