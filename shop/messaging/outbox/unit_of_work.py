"""Unit of work: one transaction of state changes, events, reminders and inbox rows.

Its last statement writes all events, reminders and deferred writes.
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
    """A run of a consumer, as the unit of work sees it."""

    #: The inbox rows are written, in the open transaction or in one that has committed.
    recorded: bool

    @property
    def points(self) -> tuple[Point, Point]:
        """Return the failpoints before and after the commit."""
        ...

    def record(self, *, leaving_out: Collection[UUID]) -> None:
        """Write the inbox rows, except for events about the aggregates in ``leaving_out``."""
        ...

    def check_declared(self, event: Event) -> None:
        """Raise UndeclaredEvent if the consumer does not declare that it publishes ``event``."""
        ...

    def origin_of(self, event: Event) -> Trace | None:
        """Return the trace that ``event`` continues."""
        ...


@dataclass
class _UnitOfWork:
    """Buffer of a transaction's events, reminders and deferred writes."""

    #: Django's list of open savepoints, and its length when the unit of work began.
    savepoints: list[str]
    depth: int
    events: list[Event] = field(default_factory=list)
    #: The last change to each reminder: its due time, or None if it is cancelled.
    reminders: dict[ReminderKey, tuple[Reminder, datetime] | None] = field(default_factory=dict)
    #: Writes deferred by repositories.
    writes: list[Write] = field(default_factory=list)

    def write(self) -> None:
        """Write the whole buffer by one statement."""
        scheduled = [value for _, value in sorted(self.reminders.items(), key=itemgetter(0)) if value]
        unscheduled = sorted(key for key, value in self.reminders.items() if value is None)
        append(self.events, scheduled=scheduled, unscheduled=unscheduled, writes=self.writes)


_innermost: ContextVar[_UnitOfWork | None] = ContextVar("unit_of_work", default=None)
_consumption: ContextVar[Consumption | None] = ContextVar("consumption", default=None)

_REQUEST = (Point.BEFORE_REQUEST_COMMIT, Point.AFTER_REQUEST_COMMIT)


@contextmanager
def unit_of_work(*, leaving_out: Collection[UUID] = (), single_statement: bool = False) -> Iterator[None]:
    """Open a transaction for state changes, the events published with them, and the inbox rows.

    Inside a unit of work of the same consumer run it joins that. Outside of consumers, as in a web request
    or a command, there are no inbox rows.

    Args:
        leaving_out: aggregates of a batch without effects yet. Their events stay unconsumed, and the
            consumer has to raise an error afterwards.
        single_statement: the block executes no statement, it only defers writes, publishes and schedules.
            The statement at the end is then the whole transaction, without BEGIN and COMMIT.

    Raises:
        AlreadyConsumed: another run has consumed the events meanwhile.
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
    """Return whether one statement may be the transaction: no other receiver relies on an open one."""
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
    raise NotInTransaction(f"it would commit by itself: {sql[:200]}: read earlier, and defer_write() changes")


@contextmanager
def consuming(consumption: Consumption) -> Iterator[None]:
    """Record ``consumption`` with the first unit of work in the block."""
    token = _consumption.set(consumption)
    try:
        yield
    finally:
        _consumption.reset(token)


def current_consumption() -> Consumption | None:
    """Return the current run of a consumer; None outside of consumers."""
    return _consumption.get()


def current() -> _UnitOfWork | None:
    """Return the unit of work that buffers now; None if events are written immediately.

    Inside a later savepoint they are written immediately, so that its rollback undoes them.
    """
    unit = _innermost.get()
    return unit if unit and len(unit.savepoints) == unit.depth else None


def defer_write(*writes: Write) -> None:
    """Write rows by the last statement of the unit of work; immediately inside a later savepoint.

    The rows are invisible before that, even in the same transaction. It must be their last write, and rows
    to be updated must be locked.

    Raises:
        NotInTransaction: no transaction is open.
        WrittenTwice: the unit of work writes the table already. PostgreSQL would make only one of two
            changes to a row.
    """
    unit, innermost = current(), _innermost.get()
    if unit is None and not connection.in_atomic_block:
        raise NotInTransaction("open a unit_of_work() around defer_write() and its events")
    for write in writes:
        if innermost and write.model in {other.model for other in innermost.writes}:
            table = write.model._meta.db_table
            raise WrittenTwice(f"{table} has a deferred write already: put all its rows into one")
        if unit is None:
            write.execute()
        else:
            unit.writes.append(write)


@receiver(event_published, dispatch_uid="outbox")
def _store(event: Event, **kwargs: object) -> None:
    """Buffer a published event, or write it immediately."""
    if unit := current():
        unit.events.append(event)
    else:
        append([event])
