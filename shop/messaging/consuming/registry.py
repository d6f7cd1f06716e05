"""Registry of consumers, by app and type."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from shop.messaging.contracts import Event, versions, versions_up_to


@dataclass(frozen=True, eq=False)
class Consumer:
    """A function that reacts to one event in one app."""

    app: str
    #: ``<app>.<function>``: name of the Celery task, and key in the inbox.
    name: str
    event: type[Event]
    emits: tuple[type[Event], ...]
    handler: Callable[..., None]
    #: Maximum of events in one run.
    batch: int
    #: The handler takes a sequence of events, not one at a time.
    takes_batch: bool
    #: The handler calls a provider, and opens its own units of work.
    calls_outside: bool
    #: Declared as low priority; see has_low_priority().
    low_priority: bool = False
    #: Position in the log after which it begins if it has no subscription; None to begin now.
    since: int | None = None

    @property
    def queue(self) -> str:
        """Name of the events queue of its app."""
        return events_queue(self.app)

    @property
    def reads(self) -> tuple[str, ...]:
        """Types of the messages it consumes: its event's version and, upcast, the earlier ones."""
        return tuple(kind.type for kind in versions_up_to(self.event))

    @property
    def logged_as(self) -> tuple[str, ...]:
        """Types of its event in the log, newer versions included: of these it consumes older copies."""
        return tuple(kind.type for kind in versions(self.event))


_consumers: dict[tuple[str, str], Consumer] = {}


def register(consumer: Consumer) -> None:
    """Register a consumer. Raise TypeError if another one has its name, or one of its types in its app."""
    if any(other.name == consumer.name and other.event is not consumer.event for other in consumers()):
        raise TypeError(f"{consumer.name} is the name of two consumers")
    for type_ in consumer.reads:
        known = _consumers.setdefault((consumer.app, type_), consumer)
        if known.name != consumer.name:
            raise TypeError(f"{consumer.app} has two consumers of {type_}: {known.name} and {consumer.name}")


def consumers() -> list[Consumer]:
    """Return all registered consumers, by app and event."""
    return [_consumers[key] for key in sorted(_consumers) if key[1] == _consumers[key].event.type]


def consumer_of(app: str, type: str) -> Consumer | None:
    """Return the consumer of ``app`` for this type, if any."""
    return _consumers.get((app, type))


@cache
def has_low_priority(consumer: Consumer) -> bool:
    """Return whether ``consumer`` has low priority: declared, or because its app publishes nothing."""
    return consumer.low_priority or not any(other.emits for other in consumers() if other.app == consumer.app)


def consuming_apps() -> list[str]:
    """Return the apps with consumers."""
    return sorted({app for app, _ in _consumers})


def events_queue(app: str) -> str:
    """Return the name of the events queue of ``app``."""
    return f"{app}.events"
