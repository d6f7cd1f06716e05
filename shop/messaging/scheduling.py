"""Durable timers: an app schedules a reminder for itself, which outlives every process."""

from datetime import datetime
from uuid import UUID

from shop.messaging.contracts import Reminder
from shop.messaging.outbox.append import append
from shop.messaging.outbox.unit_of_work import current
from shop.messaging.publishing import stamp


def schedule(reminder: Reminder, *, at: datetime) -> None:
    """Deliver ``reminder`` to its own app at ``at`` or soon after, if the open transaction commits.

    There is one reminder of a type per aggregate: scheduling it again moves it.
    """
    stamped = stamp(reminder)
    if unit := current():
        unit.reminders[stamped.type, stamped.aggregate_id] = (stamped, at)
    else:
        append([], due=[(stamped, at)])


def unschedule(kind: type[Reminder], aggregate_id: UUID) -> None:
    """Call a reminder off.

    A reminder on its way already still comes, and so does one that another transaction sets at the same
    time: lock the row that decides first, and let a late reminder do nothing.
    """
    if unit := current():
        unit.reminders[kind.type, aggregate_id] = None
    else:
        append([], off=[(kind.type, aggregate_id)])
