"""Unit of work: one transaction of state changes, events, reminders and inbox rows.

What is published, scheduled and deferred in it is written by the statement that ends it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from operator import itemgetter
from typing import Protocol
from uuid import UUID

from django.db import connection, transaction
from django.dispatch import receiver

from shop.messaging.contracts import Event, Reminder
from shop.messaging.errors import NotInTransaction, WrittenTwice
from shop.messaging.failpoints import Point, reach
from shop.messaging.outbox.append import ReminderKey, append
from shop.messaging.signals import event_published
from shop.messaging.tracing.trace import Trace
from shop.postgres.writes import Write


class Consumption(Protocol):
    """Events on their way through a consumer, as a unit of work sees them."""

    #: The inbox rows are written, in the open transaction or in one that has committed.
    recorded: bool

    @property
    def points(self) -> tuple[Point, Point]:
        """Return the failpoints before and after the commit."""
        ...

    def record(self, *, leaving_out: Collection[UUID]) -> None:
        """Write the inbox rows, but those of events about the aggregates in ``leaving_out``."""
        ...

    def check_declared(self, event: Event) -> None:
        """Raise UndeclaredEvent if the consumer does not declare that it publishes ``event``."""
        ...

    def origin_of(self, event: Event) -> Trace | None:
        """Return the trace that ``event`` continues."""
        ...


@dataclass
class _UnitOfWork:
    """Events, reminders and writes of a transaction, not written yet."""

    #: The names of the open savepoints, and their number when the unit of work began.
    savepoints: list[str]
    depth: int
    events: list[Event] = field(default_factory=list)
    #: The last word on each reminder: its due time, or None where it is called off.
    reminders: dict[ReminderKey, tuple[Reminder, datetime] | None] = field(default_factory=dict)
    #: Writes deferred by the app.
    writes: list[Write] = field(default_factory=list)

    def write(self) -> None:
        """Write everything by one statement."""
        due = [value for _, value in sorted(self.reminders.items(), key=itemgetter(0)) if value]
        off = sorted(key for key, value in self.reminders.items() if value is None)
        append(self.events, due=due, off=off, along=self.writes)


_innermost: ContextVar[_UnitOfWork | None] = ContextVar("unit_of_work", default=None)
_consumption: ContextVar[Consumption | None] = ContextVar("consumption", default=None)

_REQUEST = (Point.BEFORE_REQUEST_COMMIT, Point.AFTER_REQUEST_COMMIT)


@contextmanager
def unit_of_work(*, leaving_out: Collection[UUID] = (), single_statement: bool = False) -> Iterator[None]:
    """Open a transaction of a service's state changes, the events published in it, and the inbox rows.

    A unit of work inside another one of the same consumption joins it. Without a consumer, as in a web
    request or a command, there are no inbox rows.

    Args:
        leaving_out: aggregates of a batch without effects yet. Their events stay unconsumed, and the
            consumer has to raise the reason.
        single_statement: the block executes no statement, it only defers writes, publishes and schedules.
            The statement at the end is then the whole transaction, without BEGIN and COMMIT.

    Raises:
        AlreadyConsumed: the events were consumed meanwhile.
        NotInTransaction: a block with ``single_statement`` executes a statement.
    """
    consumption = _consumption.get()
    if consumption and consumption.recorded and connection.in_atomic_block:
        yield
        return
    before, after = consumption.points if consumption else _REQUEST
    if single_statement and _can_be_alone(consumption):
        with _written_at_the_end(), connection.execute_wrapper(_refuse):
            yield
    else:
        with transaction.atomic():
            with _written_at_the_end(), _recorded(consumption, leaving_out):
                yield
            reach(before)
    reach(after)


def _can_be_alone(consumption: Consumption | None) -> bool:
    """Whether one statement can be the transaction: no other receiver of events may need an open one."""
    return not (consumption or connection.in_atomic_block) and len(event_published.receivers) == 1


@contextmanager
def _written_at_the_end() -> Iterator[None]:
    savepoints = connection.savepoint_ids
    unit = _UnitOfWork(savepoints, len(savepoints))
    token = _innermost.set(unit)
    try:
        yield
        unit.write()
    finally:
        _innermost.reset(token)


@contextmanager
def _recorded(consumption: Consumption | None, leaving_out: Collection[UUID]) -> Iterator[None]:
    if consumption and not consumption.recorded:
        consumption.record(leaving_out=leaving_out)
    try:
        yield
    except BaseException:
        if consumption:
            consumption.recorded = False
        raise


def _refuse(execute: object, sql: str, *context: object) -> None:
    raise NotInTransaction(f"by itself it would commit: {sql[:200]}: read before, defer_write() the changes")


@contextmanager
def consuming(consumption: Consumption) -> Iterator[None]:
    """Record ``consumption`` with the first unit of work in the block."""
    token = _consumption.set(consumption)
    try:
        yield
    finally:
        _consumption.reset(token)


def current_consumption() -> Consumption | None:
    """Return the consumption whose effects are being made; None outside of consumers."""
    return _consumption.get()


def current() -> _UnitOfWork | None:
    """Return the unit of work that collects now; None where everything is written immediately.

    That is so inside a savepoint that was opened later: only then does it disappear with the savepoint.
    """
    unit = _innermost.get()
    return unit if unit and len(unit.savepoints) == unit.depth else None


def defer_write(*writes: Write) -> None:
    """Write by the statement that ends the unit of work; immediately inside a later savepoint.

    Nobody sees the rows before, not even the transaction itself: it must be the last write of these rows,
    and rows that it changes must be locked.

    Raises:
        NotInTransaction: no transaction is open.
        WrittenTwice: the unit of work writes the table already. Of two changes of a row PostgreSQL would
            make one.
    """
    unit, innermost = current(), _innermost.get()
    if unit is None and not connection.in_atomic_block:
        raise NotInTransaction("open a unit_of_work() around defer_write() and the events that it belongs to")
    for write in writes:
        if innermost and write.model in {other.model for other in innermost.writes}:
            table = write.model._meta.db_table
            raise WrittenTwice(f"{table} is written already: put all its rows into one write")
        if unit is None:
            write.execute()
        else:
            unit.writes.append(write)


@receiver(event_published, dispatch_uid="outbox")
def _store(event: Event, **kwargs: object) -> None:
    """Collect a published event, or write it immediately."""
    if unit := current():
        unit.events.append(event)
    else:
        append([event])
