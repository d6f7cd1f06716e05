"""Relays and the shards that each holds, by their locks: relays write nothing for it."""

from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from shop.messaging.outbox.shards import SHARDS
from shop.messaging.relay.shards import PRESENCE_LOCK, SHARD_LOCK

_RELAYS = """
    WITH locks AS (
        SELECT pid, classid, objid FROM pg_locks
        WHERE locktype = 'advisory' AND granted AND classid IN (%(presence)s, %(shard)s)
          AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    )
    SELECT coalesce(nullif(session.application_name, ''), 'session ' || presence.pid), session.backend_start,
           array(SELECT objid::int FROM locks WHERE pid = presence.pid AND classid = %(shard)s ORDER BY objid)
    FROM locks AS presence LEFT JOIN pg_stat_activity AS session USING (pid)
    WHERE presence.classid = %(presence)s ORDER BY 1
"""


@dataclass(frozen=True, slots=True)
class RelayShards:
    """A relay, and what it publishes."""

    #: Host and process of the relay.
    name: str
    connected_at: datetime | None
    shards: tuple[int, ...]


def relays() -> list[RelayShards]:
    """Return the relays that are connected to the database, by name."""
    with connection.cursor() as cursor:
        cursor.execute(_RELAYS, {"presence": PRESENCE_LOCK, "shard": SHARD_LOCK})
        return [RelayShards(name, since, tuple(shards)) for name, since, shards in cursor.fetchall()]


def unheld_shards(found: list[RelayShards]) -> list[int]:
    """Return the shards that no relay publishes."""
    return sorted(set(range(SHARDS)).difference(*(relay.shards for relay in found)))
