"""Logged events as people read them: personal facts opened or left out, the means of payment left out."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from shop.messaging.contracts import Event, as_version, event_type, newest, seals_of
from shop.messaging.event_log import TimelineEntry
from shop.privacy.sealing import PERSONAL, open_sealed


def shown(entries: Sequence[TimelineEntry], *, personal: bool) -> list[TimelineEntry]:
    """Return entries with their personal facts in clear, or without them.

    Either way events from before facts were sealed look like those from after.
    """
    return [replace(entry, data=_data(entry, personal)) for entry in entries]


def _data(entry: TimelineEntry, personal: bool) -> dict[str, Any]:
    kind = newest(event_type(entry.type))
    hidden = {"subject_id", *_names(kind)}
    data = {name: value for name, value in entry.data.items() if name not in hidden}
    return data | (_opened(entry, kind) if personal else {})


def _names(kind: type[Event]) -> Iterator[str]:
    """Yield the sealed fields, and the names that their facts had before."""
    for field, seals in seals_of(kind).items():
        yield field
        yield from seals.facts.model_fields


def _opened(entry: TimelineEntry, kind: type[Event]) -> dict[str, Any]:
    opened: dict[str, Any] = {}
    event = as_version(event_type(entry.type).restore(entry.data), kind)
    for seals in seals_of(kind).values():
        if seals.purpose == PERSONAL:
            facts: Any = seals.facts
            opened |= open_sealed([event], facts)[0].model_dump(mode="json")
    return opened
