"""The first receiver of ``event_published``: writes log, outbox and timers in the publisher's transaction."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from itertools import chain
from operator import itemgetter
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.dispatch import receiver

from shop import json_text
from shop.messaging import cloudevents
from shop.messaging.contracts import Event, Reminder, with_older_copies
from shop.messaging.errors import NotInTransaction, WrittenTwice
from shop.messaging.failpoints import Point, reach
from shop.messaging.signals import event_published
from shop.rows import Write

#: Relays share the work by shard. More than there will ever be relays; changing it needs an empty outbox.
SHARDS = 16
#: The channel on which PostgreSQL tells the relay that there is work.
CHANNEL = "shop_outbox"
#: What it tells there when scheduled messages have become due before their time.
DUE = "due"

#: What is written travels as JSON: psycopg would write arrays value by value, and need one for each column.
_EVENTS = """
    new AS (
        SELECT * FROM ROWS FROM (json_to_recordset(%s::json) AS (
            id uuid, type text, aggregate_id uuid, time timestamptz, correlation_id uuid, causation_id uuid,
            traceparent text, data text, shard smallint, body text, is_copy boolean, lock_key bigint
        )) WITH ORDINALITY AS t (
            id, type, aggregate_id, time, correlation_id, causation_id, traceparent, data, shard, body,
            is_copy, lock_key, nr
        )
    ), held AS MATERIALIZED (
        SELECT aggregate_id, messaging_hold_aggregate(aggregate_id, lock_key) AS last
        FROM (SELECT DISTINCT lock_key, aggregate_id FROM new WHERE lock_key IS NOT NULL
              ORDER BY lock_key, aggregate_id) AS known
    ), told AS MATERIALIZED (
        SELECT new.*, coalesce(held.last, (
            SELECT max(sequence) FROM messaging_eventrecord AS earlier
            WHERE earlier.aggregate_id = new.aggregate_id), 0) AS last
        FROM new LEFT JOIN held USING (aggregate_id)
    ), logged AS (
        INSERT INTO messaging_eventrecord
            (id, type, aggregate_id, sequence, time, correlation_id, causation_id, traceparent, data)
        SELECT id, type, aggregate_id, row_number() OVER (PARTITION BY aggregate_id ORDER BY nr) + last,
               time, correlation_id, causation_id, traceparent, data::jsonb
        FROM told WHERE NOT is_copy ORDER BY nr
    ), queued AS (
        INSERT INTO messaging_outboxentry (shard, message_id, type, queue, headers, body)
        SELECT shard, id, type, '', '{}', body FROM told ORDER BY nr
    )
"""
_NO_EVENTS = "held AS (SELECT WHERE false)"
#: Reminders wait for the aggregates, as they would in a statement after the events': rows that are locked
#: before could have two transactions wait for each other.
_DUE = """
    due AS (
        INSERT INTO messaging_scheduledmessage
            (kind, app, type, message_id, aggregate_id, body, due_at, attempts, parkings, last_error)
        SELECT 'reminder', wanted.*, 0, 0, '' FROM json_to_recordset(%s::json) AS wanted
            (app text, type text, message_id uuid, aggregate_id uuid, body text, due_at timestamptz)
        WHERE (SELECT count(*) FROM held) >= 0
        ON CONFLICT (type, aggregate_id) WHERE kind = 'reminder' DO UPDATE
        SET message_id = excluded.message_id, body = excluded.body, due_at = excluded.due_at
    )
"""
_OFF = """
    off AS (
        DELETE FROM messaging_scheduledmessage
        USING json_to_recordset(%s::json) AS unwanted (type text, aggregate_id uuid)
        WHERE kind = 'reminder' AND messaging_scheduledmessage.type = unwanted.type
          AND messaging_scheduledmessage.aggregate_id = unwanted.aggregate_id
          AND (SELECT count(*) FROM held) >= 0
    )
"""
_ENQUEUE = """
    INSERT INTO messaging_outboxentry (shard, message_id, type, queue, headers, body)
    VALUES (%s, %s, %s, %s, %s, %s)
"""

ReminderKey = tuple[str, UUID]


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
def in_one_statement() -> Iterator[None]:
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


def write_along(*writes: Write) -> None:
    """Write by the statement that ends the transaction, with what is published; at once inside a savepoint.

    Until then nobody sees it, not even the transaction itself: let it be the last word on these rows, and
    have those that it changes locked before.

    Raises NotInTransaction, and WrittenTwice if the open transaction writes the table along already: of a
    row's two changes PostgreSQL would make one.
    """
    pending, open_one = collector(), _pending.get()
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


def collector() -> Pending | None:
    """Where to put what is published now; None to write it at once.

    Inside a savepoint that was opened meanwhile it has to be written at once: only so does it
    disappear with the savepoint.
    """
    pending = _pending.get()
    return pending if pending and len(pending.savepoints) == pending.depth else None


@receiver(event_published, dispatch_uid="outbox")
def store(event: Event, **kwargs: object) -> None:
    """Write a published event to log and outbox, or collect it."""
    pending = collector()
    if pending:
        pending.events.append(event)
    else:
        append([event])


def append(
    events: Sequence[Event],
    *,
    due: Sequence[tuple[Reminder, datetime]] = (),
    off: Sequence[ReminderKey] = (),
    along: Sequence[Write] = (),
) -> None:
    """Append events to the log and put them into the outbox, in this order; schedule and call off reminders.

    Events of one aggregate are written one transaction after the other (an advisory lock until
    commit), so their sequence has no gaps and the relay sees them in the order of their commits. With one
    that begins its aggregate nobody else can know the aggregate yet.
    The log has each fact once; the outbox also has its copies for those who read older versions.

    Args:
        due: reminders and when they are due; one that is scheduled already moves.
        off: those to be called off; one that is not scheduled is none.
        along: what the same statement writes besides, each in a table of its own.
    """
    told = [_row(copy, is_copy=copy is not event) for event in events for copy in with_older_copies(event)]
    own = {
        _EVENTS: told,
        _DUE: [_reminder(reminder, at) for reminder, at in due],
        _OFF: [{"type": type_, "aggregate_id": aggregate_id} for type_, aggregate_id in off],
    }
    parts: dict[str, Sequence[Any]] = {part: [json_text.dumps(what)] for part, what in own.items() if what}
    parts.update((f"along{nr} AS ({write.statement})", write.parameters) for nr, write in enumerate(along))
    if not parts:
        return
    if not events:
        parts = {_NO_EVENTS: (), **parts}
    reach(Point.BEFORE_APPEND)
    with connection.cursor() as cursor:
        cursor.execute(_statement(*parts), [*chain.from_iterable(parts.values()), CHANNEL])
    for write in along:
        write.done()
    reach(Point.AFTER_APPEND)


@cache
def _statement(*parts: str) -> str:
    tell = "pg_notify(%s, '')" if _EVENTS in parts else "%s"
    return f"WITH {','.join(parts)} SELECT {tell}"


def _row(event: Event, *, is_copy: bool) -> dict[str, Any]:
    meta, data = event.meta, event.model_dump_json()
    return {
        "id": meta.id,
        "type": event.type,
        "aggregate_id": event.aggregate_id,
        "time": meta.time,
        "correlation_id": meta.correlation_id,
        "causation_id": meta.causation_id,
        "traceparent": meta.traceparent or "",
        "data": data,
        "shard": shard_of(event.aggregate_id),
        "body": cloudevents.encode(event, data),
        "is_copy": is_copy,
        "lock_key": None if event.begins else lock_key(event.aggregate_id),
    }


def _reminder(reminder: Reminder, at: datetime) -> dict[str, Any]:
    return {
        "app": reminder.app,
        "type": reminder.type,
        "message_id": reminder.meta.id,
        "aggregate_id": reminder.aggregate_id,
        "body": cloudevents.encode(reminder),
        "due_at": at,
    }


def enqueue(
    *, message_id: UUID, aggregate_id: UUID, type: str, queue: str, body: str, headers: dict[str, int]
) -> None:
    """Put a message for one queue alone into the outbox: a retry, a replay."""
    with connection.cursor() as cursor:
        cursor.execute(
            _ENQUEUE, [shard_of(aggregate_id), message_id, type, queue, json_text.dumps(headers), body]
        )
        cursor.execute("SELECT pg_notify(%s, '')", [CHANNEL])


def lock_key(aggregate_id: UUID) -> int:
    """The aggregate's advisory lock: the random half of its id, as PostgreSQL's signed bigint."""
    return int.from_bytes(aggregate_id.bytes[8:], signed=True)


def shard_of(aggregate_id: UUID) -> int:
    """The shard that relays all messages about this aggregate."""
    return aggregate_id.int % SHARDS
