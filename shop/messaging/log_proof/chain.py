"""Hash chain: each event's hash covers its text and the hash of the event before it in its aggregate.

The database computes it when the event is appended (see migration 0013); here it is computed once more.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from django.db import connection
from psycopg import sql

_COLUMNS = """
    SELECT position, id, type, aggregate_id, sequence, time, correlation_id, causation_id, traceparent,
           data::text, hash
    FROM messaging_eventrecord
"""
#: Events in one read.
_CHUNK = 2000


@dataclass(frozen=True, slots=True)
class LoggedRow:
    """A row of the log, with its data as PostgreSQL writes it."""

    position: int
    id: UUID
    type: str
    aggregate_id: UUID
    sequence: int
    time: datetime
    correlation_id: UUID
    causation_id: UUID | None
    traceparent: str
    data: str
    hash: bytes | None

    @property
    def text(self) -> str:
        """Text that the hash covers: one line for each column, the data as the hash of its own."""
        return "\n".join(
            str(value)
            for value in (
                self.id,
                self.type,
                self.aggregate_id,
                self.sequence,
                f"{self.time.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}",
                self.correlation_id,
                self.causation_id or "",
                self.traceparent,
                sha256(self.data.encode()).hexdigest(),
            )
        )


def link(previous: bytes | None, text: str) -> bytes:
    """Return the hash of an event, given that of the event before it."""
    return sha256((previous or b"") + text.encode()).digest()


def rows(condition: str, parameters: Sequence[Any], *, order: str) -> Iterator[LoggedRow]:
    """Yield rows of the log; ``condition`` and ``order`` are SQL. A transaction has to be open."""
    connection.ensure_connection()
    session: Any = connection.connection
    with session.cursor(name="log_rows") as cursor:
        cursor.itersize = _CHUNK
        cursor.execute(sql.SQL(f"{_COLUMNS} WHERE {condition} ORDER BY {order}"), parameters)
        for row in cursor:
            yield LoggedRow(*row)
