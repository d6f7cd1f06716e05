"""Sequences after a restore: no number that was given in the lost time is given again."""

from __future__ import annotations

from uuid import UUID

from django.db import connection

#: Least gap. It covers what a small shop gives in a day.
LEAST_GAP = 10_000
#: How many times the busiest of the last hours may be surpassed in the lost time.
_FACTOR = 3

_RATE = """
    SELECT coalesce(max(events), 0), coalesce(extract(epoch FROM now() - max(newest)) / 3600, 0)::float8
    FROM (SELECT count(*) AS events, max(time) AS newest FROM messaging_eventrecord
          WHERE id >= %s GROUP BY date_trunc('hour', time)) AS hours
"""
#: Moves each sequence by the gap, or half of what it has left. The running role may not do this.
_ADVANCE = """
    SELECT count(setval(format('%%I.%%I', schemaname, sequencename)::regclass,
        coalesce(last_value, start_value) + least(%s, (max_value - coalesce(last_value, start_value)) / 2)))
    FROM pg_sequences WHERE schemaname = current_schema()
"""


def suggested_gap(since: UUID) -> int:
    """Return a gap above what can have been given since the newest event, by the rate since a UUIDv7."""
    with connection.cursor() as cursor:
        cursor.execute(_RATE, [since])
        [(busiest, hours)] = cursor.fetchall()
    return max(LEAST_GAP, int(_FACTOR * busiest * max(hours, 1.0)))


def advance(gap: int) -> int:
    """Move all sequences of the shop by ``gap``; return their number."""
    with connection.cursor() as cursor:
        cursor.execute(_ADVANCE, [gap])
        [(moved,)] = cursor.fetchall()
    return int(moved)
