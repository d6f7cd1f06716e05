"""Distribution of the shards among relays, by advisory locks."""

from __future__ import annotations

import time
from typing import Any

import psycopg

from shop.messaging.outbox.shards import SHARDS

#: Seconds between two rebalances.
REBALANCE_INTERVAL = 1.0

#: Namespaces of advisory locks: exclusive ones on shards, and a shared one by which relays are counted.
SHARD_LOCK, PRESENCE_LOCK = 7301, 7302

#: Number of relays: of the sessions that hold the presence lock.
COUNT_RELAYS = f"""
    SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND classid = {PRESENCE_LOCK}
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""  # noqa: S608 - a constant


class Shards:
    """Shards held by one relay."""

    def __init__(self, session: psycopg.Connection[Any]) -> None:
        self._session = session
        self.held: list[int] = []
        self._next_rebalance = 0.0
        session.execute("SELECT pg_advisory_lock_shared(%s, 0)", [PRESENCE_LOCK])

    def rebalance(self) -> None:
        """Acquire free shards up to an equal share, and release any above it; at most once an interval."""
        if time.monotonic() < self._next_rebalance:
            return
        self._next_rebalance = time.monotonic() + REBALANCE_INTERVAL
        share = -(-SHARDS // self._count_relays())
        while len(self.held) > share:
            self._session.execute("SELECT pg_advisory_unlock(%s, %s)", [SHARD_LOCK, self.held.pop()])
        for shard in set(range(SHARDS)).difference(self.held):
            if len(self.held) < share and self._try_lock(shard):
                self.held.append(shard)

    def _count_relays(self) -> int:
        row = self._session.execute(COUNT_RELAYS).fetchone()
        return max(1, row[0] if row else 1)

    def _try_lock(self, shard: int) -> bool:
        row = self._session.execute("SELECT pg_try_advisory_lock(%s, %s)", [SHARD_LOCK, shard]).fetchone()
        return bool(row and row[0])
