"""The unit of work: what a transaction publishes, schedules and defers, written by its last statement."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from operator import itemgetter

from django.db import connection, transaction
from django.dispatch import receiver

from shop.messaging.contracts import Event, Reminder
from shop.messaging.errors import NotInTransaction, WrittenTwice
from shop.messaging.failpoints import Point, reach
from shop.messaging.outbox.append import ReminderKey, append
from shop.messaging.signals import event_published
from shop.postgres.writes import Write


@dataclass
class Pending:
    """What a transaction has published and scheduled, and not yet written."""

    #: The names of the savepoints that are open, and how many were when collecting began.
    savepoints: list[str]
    depth: int
    events: list[Event] = field(default_factory=list)
    #: The last word on each reminder: when it is due, or None where it is called off.
    reminders: dict[ReminderKey, tuple[Reminder, datetime] | None] = field(default_factory=dict)
    #: What the app itself writes.
    writes: list[Write] = field(default_factory=list)

    def write(self) -> None:
        """Write it all."""
        due = [value for _, value in sorted(self.reminders.items(), key=itemgetter(0)) if value]
        off = sorted(key for key, value in self.reminders.items() if value is None)
        append(self.events, due=due, off=off, along=self.writes)


_pending: ContextVar[Pending | None] = ContextVar("pending", default=None)


@contextmanager
def collected() -> Iterator[None]:
    """Collect what the open transaction publishes and write it once, at the end of the block.

    Use it as the innermost block of an atomic(): a batch then costs one write instead of one an event.
    """
    savepoints = connection.savepoint_ids
    pending = Pending(savepoints, len(savepoints))
    token = _pending.set(pending)
    try:
        yield
        pending.write()
    finally:
        _pending.reset(token)


@contextmanager
def committed(before: Point, after: Point) -> Iterator[None]:
    """A transaction that writes what it publishes at its end; its commit has a point on either side."""
    with transaction.atomic():
        with collected():
            yield
        reach(before)
    reach(after)


@contextmanager
def single_statement() -> Iterator[None]:
    """A transaction of one statement: what the block writes by write_along(), publishes and schedules.

    It spares BEGIN and COMMIT their ways to the database and back. The block can execute nothing itself: it
    raises NotInTransaction. Inside a transaction it is a part of that; for other receivers of what is
    published it opens one.
    """
    is_alone = not connection.in_atomic_block and len(event_published.receivers) == 1
    around = nullcontext() if is_alone else transaction.atomic()
    within = connection.execute_wrapper(_refuse) if is_alone else nullcontext()
    with around, collected(), within:
        yield
    reach(Point.AFTER_REQUEST_COMMIT)


def _refuse(execute: object, sql: str, *context: object) -> None:
    raise NotInTransaction(f"by itself it would commit: {sql[:200]}: read before, write_along() what is new")


def defer_write(*writes: Write) -> None:
    """Write by the statement that ends the transaction, with what is published; at once inside a savepoint.

    Until then nobody sees it, not even the transaction itself: let it be the last word on these rows, and
    have those that it changes locked before.

    Raises NotInTransaction, and WrittenTwice if the open transaction writes the table along already: of a
    row's two changes PostgreSQL would make one.
    """
    pending, open_one = current(), _pending.get()
    if pending is None and not connection.in_atomic_block:
        raise NotInTransaction("open a transaction around write_along() and what tells of it")
    for write in writes:
        if open_one and write.model in {other.model for other in open_one.writes}:
            table = write.model._meta.db_table
            raise WrittenTwice(f"{table} is written along already: have one statement write it")
        if pending is None:
            write.execute()
        else:
            pending.writes.append(write)


def current() -> Pending | None:
    """Where to put what is published now; None to write it at once.

    Inside a savepoint that was opened meanwhile it has to be written at once: only so does it
    disappear with the savepoint.
    """
    pending = _pending.get()
    return pending if pending and len(pending.savepoints) == pending.depth else None


@receiver(event_published, dispatch_uid="outbox")
def _store(event: Event, **kwargs: object) -> None:
    """Write a published event to log and outbox, or collect it."""
    pending = current()
    if pending:
        pending.events.append(event)
    else:
        append([event])
