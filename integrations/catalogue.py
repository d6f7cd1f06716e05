"""Catalogue of the events that endpoints may choose, by type and version."""

from collections.abc import Collection, Iterable

from integrations.models import ALL_EVENTS, Endpoint
from shop.messaging.contracts import (
    Event,
    Reminder,
    event_type,
    event_types,
    is_replaced,
    newest,
    sent_versions,
    versions_up_to,
)


def choices() -> list[type[Event]]:
    """Return the events that are published, in the versions that are, by type."""
    return [version for kind in _published() for version in sent_versions(kind)]


def _published() -> list[type[Event]]:
    return [
        kind
        for kind in event_types()
        if not (is_replaced(kind.type) or issubclass(kind, Reminder) or kind.logged_only)
    ]


def logged_as(endpoints: Iterable[Endpoint]) -> list[str]:
    """Return the types, as the log has them, of the events that any of the endpoints wants."""
    return logged_types({name for endpoint in endpoints for name in endpoint.event_types})


def logged_types(wanted: Collection[str]) -> list[str]:
    """Return the types, as the log has them, of the events that are wanted by type, or all."""
    known = {kind.type for kind in event_types()}.intersection(wanted)
    kinds = _published() if ALL_EVENTS in wanted else {newest(event_type(name)) for name in known}
    return sorted(version.type for kind in kinds for version in versions_up_to(kind))


def version_for(endpoint: Endpoint, logged_type: str) -> str | None:
    """Return the type in which an endpoint gets an event of the log; None if it does not want it."""
    kind = newest(event_type(logged_type))
    for version in sent_versions(kind):
        if endpoint.wants(version.type, newest=version is kind):
            return version.type
    return None
