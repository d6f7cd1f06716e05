"""Rebuilding of stored orders from their histories, under each order's lock."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction

from orders import snapshots
from orders.deadlines import move_deadline
from orders.events import OrderCreated
from orders.models import Order, OrderLine
from orders.queries import serial_of
from orders.snapshots import Drift
from shop.messaging.event_log import replay, types_of
from shop.messaging.publishing import unit_of_work

logger = logging.getLogger(__name__)

#: Orders of the log that are looked up at once.
CHUNK = 1000


@dataclass(frozen=True, slots=True)
class Result:
    """An order that differs from its history."""

    drift: Drift
    #: It is now as its events say.
    repaired: bool = False
    #: Reason for which it stays as it is.
    refused: str = ""


def differing_orders(*, repair: bool) -> Iterator[Result]:
    """Yield the orders that differ from their histories, judged under their locks; repair them on request.

    An order that is consuming an event meanwhile is judged once it has. A repair sets what differs, the lines
    and the timer with it, and publishes nothing: the history is as it was.
    """
    for suspect in snapshots.all_drifts():
        if result := _judge(suspect, repair=repair):
            yield result
    yield from _missing_orders()


@unit_of_work()
def _judge(suspect: Drift, *, repair: bool) -> Result | None:
    order = Order.objects.select_for_update().prefetch_related("lines").filter(pk=suspect.order_id).first()
    drifts = snapshots.drifts([order]) if order else []
    if order is None or not drifts:
        return None
    drift = drifts[0]
    if drift.unknown:
        return Result(drift, refused=drift.unknown)
    return _repair(order, drift) if repair else Result(drift)


def _repair(order: Order, drift: Drift) -> Result:
    new = {name: value for name, (_, value) in drift.differences.items()}
    came_from = order.status
    try:
        with transaction.atomic():
            _write(order, new)
    except IntegrityError as error:
        return Result(drift, refused=f"the database refuses what its events say: {error}".split("\n")[0])
    if order.status != came_from:
        move_deadline(order, came_from)
    logger.warning("%s was rebuilt from its events: %s", order.number, ", ".join(sorted(new)))
    return Result(drift, repaired=True)


def _write(order: Order, new: dict[str, Any]) -> None:
    lines = new.pop("lines", None)
    if number := new.pop("number", None):
        new["serial"] = serial_of(number)
    for name, value in new.items():
        setattr(order, name, value)
    order.save(update_fields=list(new))
    if lines is not None:
        order.lines.all().delete()
        names = ("sku", "name", "quantity", "unit_price", "currency")
        OrderLine.objects.bulk_create(
            OrderLine(order=order, **dict(zip(names, line, strict=True))) for line in lines
        )


def _missing_orders() -> Iterator[Result]:
    """Yield the orders of the log that are not stored. Their means of payment is known to payments alone."""
    chunk: list[OrderCreated] = []
    for event in replay(types=types_of(OrderCreated), chunk=CHUNK):
        assert isinstance(event, OrderCreated)  # noqa: S101 - by its type
        chunk.append(event)
        if len(chunk) == CHUNK:
            yield from _unknown(chunk)
            chunk = []
    yield from _unknown(chunk)


def _unknown(created: list[OrderCreated]) -> Iterator[Result]:
    ids = [event.order_id for event in created]
    stored = set(Order.objects.filter(pk__in=ids).values_list("pk", flat=True))
    for event in created:
        if event.order_id not in stored:
            why = "it is in the log, but not stored: restore it from a backup"
            yield Result(Drift(event.order_id, event.number, unknown=why), refused=why)
