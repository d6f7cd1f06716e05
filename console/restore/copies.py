"""Copies of lost orders: the OrderCreated that a newer broker still had, among the dead letters."""

import json
from uuid import UUID

from django.db.models import QuerySet

from orders.events import OrderCreated
from shop.messaging.contracts import as_version, cloudevents
from shop.messaging.dead_letters.actions import discard_dead_letter
from shop.messaging.models import DeadLetter


def known() -> dict[UUID, str]:
    """Return the numbers of orders that messages of the lost time tell of, by id."""
    return {event.order_id: event.number for event in map(_event, _letters().distinct("aggregate_id"))}


def find(order_id: UUID) -> OrderCreated | None:
    """Return the event by which an order was placed; None if no message has it."""
    letter = _letters().filter(aggregate_id=order_id).first()
    return _event(letter) if letter else None


def discard(order_id: UUID, *, by: str, reason: str) -> None:
    """Discard the messages of the lost time about an order that was decided."""
    lost = DeadLetter.objects.filter(aggregate_id=order_id, cause=DeadLetter.Cause.LOST)
    for letter_id in lost.filter(status=DeadLetter.Status.OPEN).values_list("pk", flat=True):
        discard_dead_letter(dead_letter_id=letter_id, by=by, reason=reason)


def _letters() -> QuerySet[DeadLetter]:
    created = DeadLetter.objects.filter(cause=DeadLetter.Cause.LOST, type__startswith="orders.OrderCreated.")
    return created.order_by("aggregate_id", "-type", "pk")


def _event(letter: DeadLetter) -> OrderCreated:
    event = as_version(cloudevents.decode(json.loads(letter.body)), OrderCreated)
    assert isinstance(event, OrderCreated)  # noqa: S101 - by its type
    return event
