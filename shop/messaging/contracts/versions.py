"""Conversions between the versions of one event."""

from __future__ import annotations

from collections.abc import Iterator

from shop.messaging.contracts.event import Event, newest
from shop.messaging.errors import UnknownEventType


def versions_up_to(kind: type[Event]) -> tuple[type[Event], ...]:
    """``kind`` and the versions before it, newest first: what somebody who reads ``kind`` can read."""
    return (kind, *(versions_up_to(kind.replaces) if kind.replaces else ()))


def versions(kind: type[Event]) -> tuple[type[Event], ...]:
    """All versions of the fact that ``kind`` is one of, newest first."""
    return versions_up_to(newest(kind))


def as_version(event: Event, kind: type[Event]) -> Event:
    """The same fact, under the same meta, in the version ``kind``.

    Raises UnknownEventType if it is another fact, or a version that nobody downcasts to any more.
    """
    if type(event) is kind:
        return event
    if kind in versions_up_to(type(event)):
        told = event.downcast()
        if told is None:
            raise UnknownEventType(f"{event.type} is not told as {kind.type} any more")
        return as_version(_with_meta_of(event, told), kind)
    if kind.replaces is None:
        raise UnknownEventType(f"{event.type} is no version of {kind.type}")
    return _with_meta_of(event, kind.upcast(as_version(event, kind.replaces)))


def with_older_copies(event: Event) -> Iterator[Event]:
    """The event, and the same fact in the older versions that somebody still reads."""
    yield event
    older = event.downcast()
    if older is not None:
        yield from with_older_copies(_with_meta_of(event, older))


def _with_meta_of(event: Event, copy: Event) -> Event:
    return copy.with_meta(event._meta) if event._meta else copy
