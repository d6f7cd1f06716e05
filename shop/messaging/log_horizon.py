"""Horizon of the event log: the position up to which no event can appear any more.

Positions are given before their transactions commit, so a later one may be visible first. A reader that keeps
the last position it has seen would skip what commits after it. Up to the horizon it skips nothing.
"""

from typing import Any

from django.db import connection

from shop.messaging.outbox.channel import CHANNEL

#: Channel of notifications about commits that append to the log.
APPENDED = CHANNEL
#: The newest position, and the transactions that may have been given one: all that hold the lock of INSERT.
#: PostgreSQL takes it before the statement gives the first position, and lets go of it once the commit is
#: visible. The statement's snapshot is older than its look at the locks, so none is missed. Unlike with
#: pg_snapshot_xmin(), a long transaction that appends nothing, or of another database, holds nobody up.
_LOOK = """
    SELECT coalesce((SELECT max(position) FROM messaging_eventrecord), 0), ARRAY(
        SELECT virtualtransaction FROM pg_locks
        WHERE locktype = 'relation' AND relation = 'messaging_eventrecord'::regclass
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND mode = 'RowExclusiveLock' AND pid IS DISTINCT FROM pg_backend_pid())
"""


class LogHorizon:
    """The horizon as one reader knows it, by repeated looks. It never moves back."""

    def __init__(self) -> None:
        #: Position up to which the log is complete; 0 while that is not known.
        self.position = 0
        #: A later position, and the transactions that have to end before the log is complete up to it.
        self._next: tuple[int, frozenset[str]] | None = None

    @property
    def is_behind(self) -> bool:
        """True while events are visible that are not below the horizon."""
        return self._next is not None

    def look(self) -> int:
        """Look at the log once, outside of a transaction, and return the position."""
        newest, appending = _look()
        if self._next and self._next[1].isdisjoint(appending):
            self.position, self._next = max(self.position, self._next[0]), None
        if not appending:
            self.position, self._next = max(self.position, newest), None
        elif self._next is None and newest > self.position:
            self._next = newest, appending
        return self.position


def _look() -> tuple[int, frozenset[str]]:
    with connection.cursor() as cursor:
        cursor.execute(_LOOK)
        row: Any = cursor.fetchone()
    return row[0], frozenset(row[1])
