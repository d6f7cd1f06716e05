"""@consumes: how an app says what it reacts to. Each consumer is an ordinary Celery task of its app."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

from celery import Task, shared_task

from shop import json_text
from shop.messaging import runner
from shop.messaging.contracts import Event, versions, versions_up_to

H = TypeVar("H", bound=Callable[..., None])

#: How many events one run of a consumer takes at the most, unless it says otherwise.
DEFAULT_BATCH = 100


class DeliveryTask(Task[Any, Any]):
    """A task whose messages come from an events queue; what it returns interests nobody."""

    Request = "shop.messaging.deliveries:DeliveryRequest"
    ignore_result = True


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
    patient: bool = False

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


def consumes(
    event: type[Event],
    *,
    emits: Iterable[type[Event]] = (),
    batch: int | None = None,
    calls_outside: bool = False,
    patient: bool = False,
) -> Callable[[H], H]:
    """Register a consumer of ``event``: a function of one event, or of a ``Sequence`` of them.

    The kernel runs it in a transaction that holds the inbox rows; with ``calls_outside`` in none, and
    the function makes its effects in ``effects()``. Whatever it raises is retried, see ``runner``.

    Args:
        event: the type of event; an app has one consumer for it. It gets older versions as this one.
        emits: what it may publish; publishing anything else is an error.
        batch: how many events one run takes at the most; 1 where it calls the outside.
        calls_outside: whether it calls a provider.
        patient: whether nobody waits for it, so that it lets others go first, see ``turns``. In an app whose
            consumers publish nothing at all they are patient anyway.
    """

    def register(handler: H) -> H:
        app = handler.__module__.split(".")[0]
        consumer = Consumer(
            app=app,
            name=f"{app}.{handler.__name__}",
            event=event,
            emits=tuple(emits),
            handler=handler,
            batch=batch or (1 if calls_outside else DEFAULT_BATCH),
            takes_batch=_takes_batch(handler),
            calls_outside=calls_outside,
            patient=patient,
        )
        for type_ in consumer.reads:
            known = _consumers.setdefault((app, type_), consumer)
            if known.name != consumer.name:
                raise TypeError(f"{app} has two consumers of {type_}: {known.name} and {consumer.name}")
        _make_task(consumer)
        return handler

    return register


def _takes_batch(handler: Callable[..., None]) -> bool:
    hints = typing.get_type_hints(handler)
    first = next(iter(inspect.signature(handler).parameters))
    return typing.get_origin(hints.get(first)) in (Sequence, list, typing.Sequence)


def _make_task(consumer: Consumer) -> None:
    @shared_task(name=consumer.name, base=DeliveryTask)
    def consume(deliveries: str) -> None:
        """Consume what the bridge took from the app's events queue: events, and headers of each, as JSON."""
        messages, headers = json_text.loads(deliveries)
        runner.run(consumer, messages, headers)


def consumers() -> list[Consumer]:
    """All registered consumers, by app and event."""
    return [_consumers[key] for key in sorted(_consumers) if key[1] == _consumers[key].event.type]


def consumer_of(app: str, type: str) -> Consumer | None:
    """The consumer that ``app`` has for events of this type."""
    return _consumers.get((app, type))


@cache
def lets_others_go_first(consumer: Consumer) -> bool:
    """Whether nobody waits for ``consumer``: it says so, or no consumer of its app publishes anything."""
    return consumer.patient or not any(other.emits for other in consumers() if other.app == consumer.app)


def consuming_apps() -> list[str]:
    """The apps that have consumers."""
    return sorted({app for app, _ in _consumers})


def events_queue(app: str) -> str:
    """The name of the queue by which events reach ``app``."""
    return f"{app}.events"
