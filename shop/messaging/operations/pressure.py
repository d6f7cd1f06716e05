"""Pressure on the kernel: what waits in its tables, in numbers cheap enough to be asked for all the time."""

from dataclasses import dataclass
from typing import Any

from django.db import connection

from shop.messaging.relay.shards import PRESENCE_LOCK

#: Entries of the outbox are counted up to this number.
MAX_ENTRIES = 100_000

#: The oldest entry is found by the primary key. Relays are counted by their locks.
_OUTBOX = """
    SELECT (SELECT count(*) FROM (SELECT FROM messaging_outboxentry LIMIT %s) AS entry),
           greatest(0, extract(epoch FROM now() - (
               SELECT created_at FROM messaging_outboxentry ORDER BY id LIMIT 1)))::double precision,
           (SELECT count(*) FROM pg_locks
            WHERE locktype = 'advisory' AND granted AND classid = %s
              AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))
"""
#: Each number has an index of its own kind; the rest are retries.
_SCHEDULED = """
    SELECT (SELECT count(*) FROM messaging_scheduledmessage),
           (SELECT count(*) FROM messaging_scheduledmessage WHERE kind = 'reminder'),
           (SELECT count(*) FROM messaging_scheduledmessage WHERE kind = 'parked'),
           (SELECT count(*) FROM messaging_scheduledmessage WHERE kind = 'held')
"""


@dataclass(frozen=True, slots=True)
class Outbox:
    """Events that wait for the relay: their number and age."""

    entries: int
    #: Seconds since the oldest was written; 0 if there is none.
    age: float
    #: Number of relays.
    relays: int


def outbox() -> Outbox:
    """Return the state of the outbox."""
    return Outbox(*_row(_OUTBOX, MAX_ENTRIES, PRESENCE_LOCK))


def scheduled() -> dict[str, int]:
    """Return the numbers of scheduled messages by kind."""
    total, reminders, deferred, held = _row(_SCHEDULED)
    retries = total - reminders - deferred - held
    return {"reminder": reminders, "retry": retries, "deferred": deferred, "held": held}


def overdue_messages() -> int:
    """Return the number of scheduled messages that were due a minute ago or earlier."""
    overdue = "SELECT count(*) FROM messaging_scheduledmessage WHERE due_at < now() - interval '1 minute'"
    (number,) = _row(overdue)
    return int(number)


def open_dead_letters() -> dict[tuple[str, str], int]:
    """Return the numbers of open dead letters by app and consumer, which is empty for unreadable messages."""
    open_letters = """
        SELECT app, consumer, count(*) FROM messaging_deadletter WHERE status = 'open' GROUP BY app, consumer
    """
    return {(app, consumer): number for app, consumer, number in _rows(open_letters)}


def paused_consumers() -> dict[tuple[str, str], float]:
    """Return the seconds since each consumer was paused, by its name and ``breaker`` or ``hand``."""
    paused = """
        SELECT consumer, CASE paused_by WHEN '' THEN 'breaker' ELSE 'hand' END,
               greatest(0, extract(epoch FROM now() - coalesce(paused_at, opened_at)))::double precision
        FROM messaging_circuit
    """
    return {(consumer, by): seconds for consumer, by, seconds in _rows(paused)}


def _row(query: str, *parameters: int) -> tuple[Any, ...]:
    [row] = _rows(query, *parameters)
    return row


def _rows(query: str, *parameters: int) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, parameters or None)
        return list(cursor.fetchall())
