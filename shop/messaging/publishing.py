"""publish(): the one way in which a fact leaves its context."""

from datetime import UTC, datetime
from typing import TypeVar

from django.db import connection

from shop.ids import uuid7
from shop.messaging.consuming import inbox
from shop.messaging.contracts import Event, Meta, Reminder
from shop.messaging.errors import NotInTransaction
from shop.messaging.outbox import unit_of_work
from shop.messaging.signals import event_published
from shop.messaging.tracing import trace

E = TypeVar("E", bound=Event)


def publish(event: E) -> E:
    """Publish a fact together with the state change it tells of, and return it with its meta.

    It is in the log and will reach its subscribers if, and only if, the open transaction commits.
    Raises NotInTransaction, and UndeclaredEvent in a consumer that does not declare the event.
    """
    if isinstance(event, Reminder):
        raise TypeError(f"{event.type} is a reminder: schedule() it")
    stamped = stamp(event)
    event_published.send(sender=type(event), event=stamped)
    return stamped


def stamp(event: E) -> E:
    """Give an event its id, time and origin, as of now."""
    if not unit_of_work.current() and not connection.in_atomic_block:
        raise NotInTransaction(
            f"{event.type}: open a transaction around the state change and publish()/schedule()"
        )
    inbox.check_declared(event)
    origin = inbox.origin_of(event) or trace.current()
    return event.with_meta(
        Meta(uuid7(), datetime.now(UTC), origin.correlation_id, origin.causation_id, origin.traceparent)
    )
