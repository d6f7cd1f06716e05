"""Promotion of due scheduled messages to the outbox."""

from __future__ import annotations

from typing import Any

import psycopg

from shop.messaging.failpoints import Point, reach

#: Maximum of messages in one statement.
LIMIT = 1000

_PROMOTE = """
    WITH due AS (
        DELETE FROM messaging_scheduledmessage WHERE id IN (
            SELECT id FROM messaging_scheduledmessage WHERE due_at <= now()
            ORDER BY due_at LIMIT %s FOR UPDATE SKIP LOCKED
        ) RETURNING *
    )
    INSERT INTO messaging_outboxentry (shard, message_id, type, queue, headers, body)
    SELECT ('x' || right(aggregate_id::text, 1))::bit(4)::int, message_id, type, app || '.events',
           jsonb_strip_nulls(jsonb_build_object(
               'x-attempts', nullif(attempts, 0), 'x-parkings', nullif(parkings, 0))), body
    FROM due ORDER BY due_at
"""


def promote_due(session: psycopg.Connection[Any]) -> int:
    """Move due messages to the outbox; return their number. Concurrent relays skip each other's rows."""
    reach(Point.BEFORE_PROMOTE)
    promoted = session.execute(_PROMOTE, [LIMIT]).rowcount
    if promoted:
        reach(Point.AFTER_PROMOTE)
    return promoted
