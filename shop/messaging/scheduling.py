"""Durable timers: an app reminds itself of something later, whatever happens to processes meanwhile."""

from datetime import datetime
from uuid import UUID

from shop.messaging.contracts import Reminder
from shop.messaging.outbox import append, unit_of_work
from shop.messaging.publishing import stamp


def schedule(reminder: Reminder, *, at: datetime) -> None:
    """Deliver ``reminder`` to its own app at ``at`` or soon after, if the open transaction commits.

    There is one reminder of a type per aggregate: scheduling it again moves it.
    """
    stamped = stamp(reminder)
    pending = unit_of_work.current()
    if pending:
        pending.reminders[stamped.type, stamped.aggregate_id] = (stamped, at)
    else:
        append.append([], due=[(stamped, at)])


def unschedule(kind: type[Reminder], aggregate_id: UUID) -> None:
    """Call a reminder off. One that is on its way already still comes, and must then do nothing.

    So does one that another transaction sets at the same time: lock the row that decides before.
    """
    pending = unit_of_work.current()
    if pending:
        pending.reminders[kind.type, aggregate_id] = None
    else:
        append.append([], off=[(kind.type, aggregate_id)])
