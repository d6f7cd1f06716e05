"""Shards held by a relay, and its share of them."""

from __future__ import annotations

import time
from typing import Any

import psycopg

from shop.messaging.outbox.shards import SHARDS

#: Seconds between two looks at how many relays share the shards.
REBALANCE = 1.0

#: Namespaces of advisory locks: one for the shards, one by which relays count each other.
SHARD_LOCK, PRESENCE_LOCK = 7301, 7302


class Shards:
    """The shards that this relay holds, and its share of them."""

    def __init__(self, session: psycopg.Connection[Any]) -> None:
        self._session = session
        self.held: list[int] = []
        self._next_look = 0.0
        session.execute("SELECT pg_advisory_lock_shared(%s, 0)", [PRESENCE_LOCK])

    def rebalance(self) -> None:
        """Take free shards up to a fair share, and give back what is over it; now and then."""
        if time.monotonic() < self._next_look:
            return
        self._next_look = time.monotonic() + REBALANCE
        share = -(-SHARDS // self._relays())
        while len(self.held) > share:
            self._session.execute("SELECT pg_advisory_unlock(%s, %s)", [SHARD_LOCK, self.held.pop()])
        for shard in set(range(SHARDS)).difference(self.held):
            if len(self.held) < share and self._try_lock(shard):
                self.held.append(shard)

    def _relays(self) -> int:
        row = self._session.execute(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND classid = %s"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
            [PRESENCE_LOCK],
        ).fetchone()
        return max(1, row[0] if row else 1)

    def _try_lock(self, shard: int) -> bool:
        row = self._session.execute("SELECT pg_try_advisory_lock(%s, %s)", [SHARD_LOCK, shard]).fetchone()
        return bool(row and row[0])
