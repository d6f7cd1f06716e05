"""The statement that appends to event log and outbox, and writes reminders and deferred writes."""

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

#: Rows are one JSON parameter. Arrays would take a parameter for each column, and psycopg longer to encode.
_EVENTS = """
    new AS (
        SELECT * FROM ROWS FROM (json_to_recordset(%s::json) AS (
            id uuid, type text, aggregate_id uuid, time timestamptz, correlation_id uuid, causation_id uuid,
            traceparent text, data text, shard smallint, head text, is_copy boolean, lock_key bigint
        )) WITH ORDINALITY AS t (
            id, type, aggregate_id, time, correlation_id, causation_id, traceparent, data, shard, head,
            is_copy, lock_key, nr
        )
    ), locked AS MATERIALIZED (
        SELECT aggregate_id, stream.*
        FROM (SELECT DISTINCT lock_key, aggregate_id FROM new WHERE lock_key IS NOT NULL
              ORDER BY lock_key, aggregate_id) AS aggregates,
             messaging_hold_stream(aggregate_id, lock_key) AS stream
    ), sequenced AS MATERIALIZED (
        SELECT new.*, data::jsonb AS stored, coalesce(locked.last, (
            SELECT max(sequence) FROM messaging_eventrecord AS earlier
            WHERE earlier.aggregate_id = new.aggregate_id), 0)
            + row_number() OVER (PARTITION BY aggregate_id ORDER BY nr) AS sequence, locked.hash AS previous
        FROM new LEFT JOIN locked USING (aggregate_id) WHERE NOT is_copy
    ), logged AS (
        INSERT INTO messaging_eventrecord
            (id, type, aggregate_id, sequence, time, correlation_id, causation_id, traceparent, data, hash)
        SELECT id, type, aggregate_id, sequence, time, correlation_id, causation_id, traceparent, stored,
               messaging_chain(previous, messaging_event_text(
                   id, type, aggregate_id, sequence, time, correlation_id, causation_id, traceparent, stored))
               OVER (PARTITION BY aggregate_id ORDER BY nr)
        FROM sequenced ORDER BY nr
    ), queued AS (
        INSERT INTO messaging_outboxentry (shard, message_id, type, queue, headers, body)
        SELECT shard, id, type, '', '{}', head || data || '}' FROM new
        WHERE head IS NOT NULL AND (SELECT count(*) FROM locked) >= 0 ORDER BY nr
    )
"""

_NO_EVENTS = "locked AS (SELECT WHERE false)"

#: Reminders are written after the aggregates' advisory locks are taken: the reference to ``locked`` enforces
#: that. Locking their rows first could deadlock two transactions.
_SCHEDULED = """
    scheduled AS (
        INSERT INTO messaging_scheduledmessage
            (kind, app, type, message_id, aggregate_id, body, due_at, attempts, parkings, last_error)
        SELECT 'reminder', reminder.*, 0, 0, '' FROM json_to_recordset(%s::json) AS reminder
            (app text, type text, message_id uuid, aggregate_id uuid, body text, due_at timestamptz)
        WHERE (SELECT count(*) FROM locked) >= 0
        ON CONFLICT (type, aggregate_id) WHERE kind = 'reminder' DO UPDATE
        SET message_id = excluded.message_id, body = excluded.body, due_at = excluded.due_at
    )
"""

_UNSCHEDULED = """
    unscheduled AS (
        DELETE FROM messaging_scheduledmessage
        USING json_to_recordset(%s::json) AS reminder (type text, aggregate_id uuid)
        WHERE kind = 'reminder' AND messaging_scheduledmessage.type = reminder.type
          AND messaging_scheduledmessage.aggregate_id = reminder.aggregate_id
          AND (SELECT count(*) FROM locked) >= 0
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
    scheduled: Sequence[tuple[Reminder, datetime]] = (),
    unscheduled: Sequence[ReminderKey] = (),
    writes: Sequence[Write] = (),
) -> None:
    """Append events to log and outbox in this order, and write reminders and rows, by one statement.

    An advisory lock until commit serializes the transactions that publish about an aggregate. So the sequence
    of its events has no gaps, and the relay sees them in commit order. An event that begins its aggregate
    takes no lock: no other transaction knows the aggregate yet.
    The log has each event once. The outbox also has its copies in older versions.

    Args:
        events: events with their meta.
        scheduled: reminders and their due times. A reminder that is scheduled already moves.
        unscheduled: reminders to cancel, scheduled or not.
        writes: writes to other tables, one to a table.
    """
    rows = [_row(copy, is_copy=copy is not event) for event in events for copy in with_older_copies(event)]
    own = {
        _EVENTS: rows,
        _SCHEDULED: [_reminder(reminder, at) for reminder, at in scheduled],
        _UNSCHEDULED: [{"type": type_, "aggregate_id": aggregate_id} for type_, aggregate_id in unscheduled],
    }
    parts: dict[str, Sequence[Any]] = {part: [json_text.dumps(new)] for part, new in own.items() if new}
    parts.update((f"write{nr} AS ({write.statement})", write.parameters) for nr, write in enumerate(writes))
    if not parts:
        return
    if not events:
        parts = {_NO_EVENTS: (), **parts}
    reach(Point.BEFORE_APPEND)
    with connection.cursor() as cursor:
        cursor.execute(_statement(*parts), [*chain.from_iterable(parts.values()), CHANNEL])
    for write in writes:
        write.mark_as_saved()
    reach(Point.AFTER_APPEND)


@cache
def _statement(*parts: str) -> str:
    """Return a statement without line breaks and indents: psycopg parses longer ones each time."""
    result = "pg_notify(%s, '')" if _EVENTS in parts else "%s"
    return " ".join(f"WITH {','.join(parts)} SELECT {result}".split())


def _row(event: Event, *, is_copy: bool) -> dict[str, Any]:
    meta = event.meta
    return {
        "id": meta.id,
        "type": event.type,
        "aggregate_id": event.aggregate_id,
        "time": meta.time,
        "correlation_id": meta.correlation_id,
        "causation_id": meta.causation_id,
        "traceparent": meta.traceparent or "",
        "data": event.model_dump_json(),
        "shard": shard_of(event.aggregate_id),
        "head": None if event.logged_only else cloudevents.head(event),
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
    """Put a message for a single queue into the outbox: a retry or a replay."""
    with connection.cursor() as cursor:
        cursor.execute(
            _ENQUEUE, [shard_of(aggregate_id), message_id, type, queue, json_text.dumps(headers), body]
        )
        cursor.execute("SELECT pg_notify(%s, '')", [CHANNEL])


def lock_key(aggregate_id: UUID) -> int:
    """Return the key of the aggregate's advisory lock: the random half of its id, as a signed bigint."""
    return int.from_bytes(aggregate_id.bytes[8:], signed=True)
