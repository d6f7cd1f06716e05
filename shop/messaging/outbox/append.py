"""The statement that appends to the event log, the outbox and the reminders."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from itertools import chain
from typing import Any
from uuid import UUID

from django.db import connection

from shop.messaging.contracts import Event, Reminder, cloudevents, with_older_copies
from shop.messaging.failpoints import Point, reach
from shop.messaging.outbox.channel import CHANNEL
from shop.messaging.outbox.shards import shard_of
from shop.postgres import json_text
from shop.postgres.writes import Write

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
        write.mark_as_saved()
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
