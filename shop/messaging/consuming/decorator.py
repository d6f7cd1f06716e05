"""The @consumes decorator: registers a consumer, and its Celery task."""

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

#: Default maximum of events in one run of a consumer.
DEFAULT_BATCH = 100


class DeliveryTask(Task[Any, Any]):
    """Task fed from an events queue. Its result is not stored."""

    Request = "shop.messaging.worker.batch:DeliveryRequest"
    ignore_result = True
    #: Length of the result in the answer of the pool's process: the whole tally of the largest batch.
    resultrepr_maxsize = 100_000


def consumes(
    event: type[Event],
    *,
    emits: Iterable[type[Event]] = (),
    batch: int | None = None,
    calls_outside: bool = False,
    low_priority: bool = False,
    from_beginning: bool = False,
    from_position: int | None = None,
    was: str = "",
) -> Callable[[H], H]:
    """Register a consumer of ``event``: a function of one event, or of a ``Sequence`` of them.

    The kernel runs the function in a unit of work with the inbox rows. With ``calls_outside`` it runs
    outside a transaction, and the function opens its own ``unit_of_work()``. Any exception is retried,
    see :mod:`shop.messaging.consuming.runner`.

    Args:
        event: the event class. An app has one consumer for it; older versions are upcast to it.
        emits: events that the function may publish. Publishing another one is an error.
        batch: maximum of events in one run; by default DEFAULT_BATCH, or 1 with ``calls_outside``.
        calls_outside: the function calls a provider.
        low_priority: no customer waits for the effects, so other events run first. Consumers of an app
            that publishes nothing always have low priority.
        from_beginning: a new consumer gets all events of the log. Without it, it begins now.
        from_position: a new consumer gets the events of the log after this position.
        was: former name of a renamed function, as in ``when_order_created_charge``. The consumer keeps it
            as its name: inbox, subscription and dead letters know it by that.
    """
    if from_beginning and from_position is not None:
        raise TypeError("a consumer begins either from_beginning or from_position")
    if event.logged_only:
        raise TypeError(f"{event.type} is in the log alone: drop logged_only, so that it is sent")

    def decorate(handler: H) -> H:
        app = handler.__module__.split(".")[0]
        consumer = Consumer(
            app=app,
            name=f"{app}.{was or handler.__name__}",
            event=event,
            emits=tuple(emits),
            handler=handler,
            batch=batch or (1 if calls_outside else DEFAULT_BATCH),
            takes_batch=_takes_batch(handler),
            calls_outside=calls_outside,
            low_priority=low_priority,
            since=0 if from_beginning else from_position,
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
    def consume(deliveries: str) -> str | None:
        """Consume a batch: JSON with the list of CloudEvents and the list of their headers."""
        bodies, headers = json_text.loads(deliveries)
        return runner.run(consumer, bodies, headers)
