"""@consumes registers a consumer. Each consumer is an ordinary Celery task of its app."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from celery import Task, shared_task

from shop.messaging.consuming import runner
from shop.messaging.consuming.registry import Consumer, register
from shop.messaging.contracts import Event
from shop.postgres import json_text

H = TypeVar("H", bound=Callable[..., None])

#: How many events one run of a consumer takes at the most, unless it says otherwise.
DEFAULT_BATCH = 100


class DeliveryTask(Task[Any, Any]):
    """A task whose messages come from an events queue; what it returns interests nobody."""

    Request = "shop.messaging.worker.batch:DeliveryRequest"
    ignore_result = True


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

    def decorate(handler: H) -> H:
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
        register(consumer)
        _make_task(consumer)
        return handler

    return decorate


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
