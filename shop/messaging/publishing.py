"""Publishing of events, inside the unit of work of their state change."""

from datetime import UTC, datetime
from typing import TypeVar

from django.db import connection

from shop.ids import uuid7
from shop.messaging.contracts import Event, Meta, Reminder
from shop.messaging.errors import NotInTransaction
from shop.messaging.outbox.unit_of_work import current, current_consumption, unit_of_work
from shop.messaging.signals import event_published
from shop.messaging.tracing import spans, trace

__all__ = ["publish", "stamp", "unit_of_work"]

E = TypeVar("E", bound=Event)


def publish(event: E) -> E:
    """Publish an event with the open transaction, and return it with its meta.

    The event is in the log and reaches its subscribers if, and only if, the transaction commits.

    Raises:
        NotInTransaction: no transaction is open.
        UndeclaredEvent: the running consumer does not declare the event.
    """
    if isinstance(event, Reminder):
        raise TypeError(f"{event.type} is a reminder: schedule() it")
    stamped = stamp(event)
    event_published.send(sender=type(event), event=stamped)
    return stamped


def stamp(event: E) -> E:
    """Return a copy of the event with id, time and trace."""
    if not current() and not connection.in_atomic_block:
        raise NotInTransaction(f"{event.type}: open a unit_of_work() around the state change and its events")
    origin: trace.Trace | None = None
    if consumption := current_consumption():
        consumption.check_declared(event)
        origin = consumption.origin_of(event)
    origin = origin or trace.current()
    traceparent = spans.created(event.type, origin.traceparent, origin.causation_id)
    return event.with_meta(
        Meta(uuid7(), datetime.now(UTC), origin.correlation_id, origin.causation_id, traceparent)
    )
