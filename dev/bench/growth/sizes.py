"""Sizes of tables and indexes, and their dead rows."""

from collections.abc import Iterator
from typing import Any

import psycopg

QUEUES = ("messaging_outboxentry", "messaging_scheduledmessage")
TABLES = (*QUEUES, "messaging_inboxentry", "messaging_eventrecord", "orders_order")
_SIZES = """
    SELECT pg_relation_size(relid) / 1e6, pg_indexes_size(relid) / 1e6, n_dead_tup, n_live_tup
    FROM pg_stat_user_tables WHERE relname = %s
"""
_DEAD = "SELECT sum(n_dead_tup)::int FROM pg_stat_user_tables WHERE relname = ANY(%s)"


def tables(session: psycopg.Connection[Any], stage: str) -> Iterator[dict[str, Any]]:
    """Yield the sizes of all kernel tables that an order touches."""
    for table in TABLES:
        yield from _size_of(session, table, stage)


def queues(session: psycopg.Connection[Any], stage: str) -> Iterator[dict[str, Any]]:
    """Yield the sizes of the tables that empty themselves."""
    for table in QUEUES:
        yield from _size_of(session, table, stage)


def _size_of(session: psycopg.Connection[Any], table: str, stage: str) -> Iterator[dict[str, Any]]:
    (row,) = session.execute(_SIZES, [table]).fetchall()
    for what, unit, value in zip(
        ("table", "indexes", "dead rows", "rows"), ("MB", "MB", "", ""), row, strict=True
    ):
        yield {"name": f"{table}, {what}: {stage}", "unit": unit, "values": [float(value)]}


def dead_in_queues(session: psycopg.Connection[Any]) -> int:
    """Return the number of dead rows in the queues."""
    ((dead,),) = session.execute(_DEAD, [list(QUEUES)]).fetchall()
    return int(dead)
