"""New events of the log, read while the shop runs."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

import psycopg

#: Positions to read again: an earlier position becomes visible later if its transaction commits late.
_LOOK_BACK = 500
#: Number of order numbers in the cache.
_CACHE_SIZE = 20_000
_ROWS = """
    select position, type, aggregate_id, time, data->>'number' from messaging_eventrecord
    where position > %s order by position
"""
_NUMBER = """
    select data->>'number' from messaging_eventrecord where aggregate_id = %s and data ? 'number' limit 1
"""


@dataclass(frozen=True, slots=True)
class LoggedEvent:
    """An event of the log; ``number`` is the order number, empty for events of other aggregates."""

    position: int
    type: str
    aggregate_id: UUID
    time: datetime
    number: str

    @property
    def app(self) -> str:
        return self.type.split(".")[0]

    @property
    def name(self) -> str:
        return self.type.split(".")[1]


class Feed:
    """Reader of the events logged since its creation. It yields each event once.

    A session that the server ends is replaced, and nothing is left out.
    """

    def __init__(self, database_url: str) -> None:
        self._url = database_url
        self._session = self._connect()
        row = self._session.execute("select coalesce(max(position), 0) from messaging_eventrecord").fetchone()
        self._last: int = row[0] if row else 0
        self._floor = self._last
        self._seen: deque[int] = deque(maxlen=10 * _LOOK_BACK)
        self._numbers: dict[UUID, str] = {}

    def _connect(self) -> psycopg.Connection[tuple[Any, ...]]:
        return psycopg.connect(self._url, autocommit=True, connect_timeout=5)

    def close(self) -> None:
        self._session.close()

    def new(self) -> Iterator[LoggedEvent]:
        """Yield the events logged since the last call, oldest first."""
        seen = set(self._seen)
        rows = self._fetch(_ROWS, max(self._floor, self._last - _LOOK_BACK))
        for position, kind, aggregate_id, time, number in rows:
            if position not in seen:
                self._seen.append(position)
                self._last = max(self._last, position)
                yield LoggedEvent(position, kind, aggregate_id, time, self._number(aggregate_id, number))

    def _fetch(self, query: LiteralString, parameter: object) -> list[tuple[Any, ...]]:
        try:
            return self._session.execute(query, [parameter]).fetchall()
        except psycopg.OperationalError:
            self._session.close()
            self._session = self._connect()
            return self._session.execute(query, [parameter]).fetchall()

    def _number(self, aggregate_id: UUID, number: str | None) -> str:
        if number is None and aggregate_id in self._numbers:
            return self._numbers[aggregate_id]
        if number is None:
            rows = self._fetch(_NUMBER, aggregate_id)
            number = rows[0][0] if rows else ""
        if len(self._numbers) >= _CACHE_SIZE:
            self._numbers.clear()
        self._numbers[aggregate_id] = number
        return number
