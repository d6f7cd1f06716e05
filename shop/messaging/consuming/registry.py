"""The registry of consumers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from shop.messaging.contracts import Event, versions, versions_up_to


@dataclass(frozen=True, eq=False)
class Consumer:
    """A function that reacts to one fact in one app, in whatever version it is told."""

    app: str
    #: ``<app>.<function>``, the name of the Celery task and of the inbox rows.
    name: str
    event: type[Event]
    emits: tuple[type[Event], ...]
    handler: Callable[..., None]
    #: How many events one run takes at the most.
    batch: int
    #: Whether the handler takes them all at once, or one by one.
    takes_batch: bool
    #: Whether the handler calls a provider, and so opens its transactions itself, with effects().
    calls_outside: bool
    #: Whether it lets others go first, though its app publishes something.
    low_priority: bool = False

    @property
    def queue(self) -> str:
        """The queue its events come by."""
        return events_queue(self.app)

    @property
    def reads(self) -> tuple[str, ...]:
        """The types of the messages it takes: older versions are upcast before it sees them."""
        return tuple(kind.type for kind in versions_up_to(self.event))

    @property
    def logged_as(self) -> tuple[str, ...]:
        """The types by which the log has what it consumes; of newer ones it gets copies."""
        return tuple(kind.type for kind in versions(self.event))


_consumers: dict[tuple[str, str], Consumer] = {}


def register(consumer: Consumer) -> None:
    """Add a consumer. Raises TypeError if its app has another one for a type that it reads."""
    for type_ in consumer.reads:
        known = _consumers.setdefault((consumer.app, type_), consumer)
        if known.name != consumer.name:
            raise TypeError(f"{consumer.app} has two consumers of {type_}: {known.name} and {consumer.name}")


def consumers() -> list[Consumer]:
    """All registered consumers, by app and event."""
    return [_consumers[key] for key in sorted(_consumers) if key[1] == _consumers[key].event.type]


def consumer_of(app: str, type: str) -> Consumer | None:
    """The consumer that ``app`` has for events of this type."""
    return _consumers.get((app, type))


@cache
def has_low_priority(consumer: Consumer) -> bool:
    """Whether nobody waits for ``consumer``: it says so, or no consumer of its app publishes anything."""
    return consumer.low_priority or not any(other.emits for other in consumers() if other.app == consumer.app)


def consuming_apps() -> list[str]:
    """The apps that have consumers."""
    return sorted({app for app, _ in _consumers})


def events_queue(app: str) -> str:
    """The name of the queue by which events reach ``app``."""
    return f"{app}.events"
