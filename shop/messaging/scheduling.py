"""Durable timers: reminders that an app schedules for itself, stored as rows; and those due at once."""

from datetime import datetime
from uuid import UUID

from shop.messaging.contracts import Reminder, cloudevents
from shop.messaging.outbox.append import append, enqueue
from shop.messaging.outbox.unit_of_work import current
from shop.messaging.publishing import stamp


def schedule(reminder: Reminder, *, at: datetime) -> None:
    """Deliver ``reminder`` to its own app at ``at`` or soon after, if the open transaction commits.

    There is one reminder of a type per aggregate. Scheduling it again moves it.
    """
    stamped = stamp(reminder)
    if unit := current():
        unit.reminders[stamped.type, stamped.aggregate_id] = (stamped, at)
    else:
        append([], scheduled=[(stamped, at)])


def deliver(reminder: Reminder) -> None:
    """Deliver ``reminder`` to its own app as soon as the open transaction commits.

    Unlike a scheduled one it goes to the outbox at once, and replaces no other.
    """
    stamped = stamp(reminder)
    enqueue(
        message_id=stamped.meta.id,
        aggregate_id=stamped.aggregate_id,
        type=stamped.type,
        queue=f"{stamped.app}.events",
        body=cloudevents.encode(stamped),
        headers={},
    )


def unschedule(kind: type[Reminder], aggregate_id: UUID) -> None:
    """Cancel a reminder.

    A reminder that is due already is still delivered, and so is one scheduled by a concurrent transaction.
    Lock the row that decides first, and let a late reminder do nothing.
    """
    if unit := current():
        unit.reminders[kind.type, aggregate_id] = None
    else:
        append([], unscheduled=[(kind.type, aggregate_id)])
