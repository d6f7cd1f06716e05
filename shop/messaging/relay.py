"""The relay: moves the outbox to the broker, and what has become due to the outbox.

Several relays share the shards: each holds its shards by PostgreSQL advisory locks, so that one
shard, and with it all events of one aggregate, is relayed by one of them, in order. It looks for
what is unpublished, never for what is newer than something: late commits are found like any other.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from celery import Celery
from celery.utils.log import get_logger
from django.db import connection as django_connection

from shop.messaging import broker, outbox
from shop.messaging.broker import ConfirmingPublisher, Outgoing, Publisher, Receipt

logger = get_logger(__name__)

#: Entries published and confirmed together.
BATCH = 1000
#: Seconds between two looks without a notification: the wake-up that is never lost.
POLL = 0.2
#: Seconds between two looks at how many relays share the shards.
REBALANCE = 1.0
#: Seconds to wait after an error, at the most.
LONGEST_PAUSE = 5.0
#: Namespaces of advisory locks: one for the shards, one by which relays count each other.
SHARD_LOCK, PRESENCE_LOCK = 7301, 7302

_FETCH = """
    SELECT id, message_id, type, queue, headers, body FROM messaging_outboxentry
    WHERE shard = ANY(%s) ORDER BY id LIMIT %s
"""
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
_BURY_UNROUTABLE = """
    WITH gone AS (DELETE FROM messaging_outboxentry WHERE id = ANY(%s) RETURNING *)
    INSERT INTO messaging_deadletter
        (status, cause, app, consumer, type, event_id, body, error_type, error, traceback, attempts)
    SELECT 'open', 'unroutable', '', '', type, message_id, body, 'Unroutable',
           'no queue is bound to ' || type, '', 1
    FROM gone
    ON CONFLICT DO NOTHING
"""


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
        share = -(-outbox.SHARDS // self._relays())
        while len(self.held) > share:
            self._session.execute("SELECT pg_advisory_unlock(%s, %s)", [SHARD_LOCK, self.held.pop()])
        for shard in set(range(outbox.SHARDS)).difference(self.held):
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


class Relay:
    """Relays until told to stop. Broker or database away: it waits, and nothing counts as an attempt."""

    def __init__(self, app: Celery) -> None:
        self._app = app
        self._stopping = threading.Event()

    def stop(self) -> None:
        """Finish the batch in hand, then stop."""
        self._stopping.set()

    def run(self) -> None:
        """Relay until stop()."""
        pause = 0.1
        while not self._stopping.is_set():
            try:
                with self._sessions() as (session, publisher):
                    pause = 0.1
                    self._relay(session, publisher)
            except Exception as error:  # noqa: BLE001 - the relay outlives whatever happens to it
                logger.warning("relay pauses: %s: %s", type(error).__name__, error)
                self._stopping.wait(pause)
                pause = min(pause * 2, LONGEST_PAUSE)

    @contextmanager
    def _sessions(self) -> Iterator[tuple[psycopg.Connection[Any], Publisher | ConfirmingPublisher]]:
        """A database session and a publisher of its own; both are thrown away afterwards."""
        with connect() as session, self._app.connection_for_write() as connection:
            connection.ensure_connection(max_retries=1, timeout=5)
            broker.declare_topology(connection)
            publisher = broker.publisher_for(connection)
            try:
                yield session, publisher
            except BaseException:
                # Late confirms would be taken for those of the next batch.
                connection.collect(socket_timeout=1)
                raise

    def _relay(self, session: psycopg.Connection[Any], publisher: Publisher | ConfirmingPublisher) -> None:
        session.execute(f"LISTEN {outbox.CHANNEL}")
        shards = Shards(session)
        next_promotion = 0.0
        while not self._stopping.is_set():
            shards.rebalance()
            busy = relay_batch(session, publisher, shards.held)
            if not busy or time.monotonic() > next_promotion:
                busy += promote_due(session)
                next_promotion = time.monotonic() + POLL
            if not busy:
                _wait_for_work(session)


def connect() -> psycopg.Connection[Any]:
    """A session of our own on Django's database, in autocommit."""
    parameters = django_connection.get_connection_params()
    for name in ("cursor_factory", "context", "prepare_threshold", "server_side_binding"):
        parameters.pop(name, None)
    return psycopg.connect(**parameters, autocommit=True)


def promote_due(session: psycopg.Connection[Any]) -> int:
    """Move messages that have become due to the outbox; return how many. Any relay may do it."""
    return session.execute(_PROMOTE, [BATCH]).rowcount


def relay_batch(
    session: psycopg.Connection[Any], publisher: Publisher | ConfirmingPublisher, shards: list[int]
) -> int:
    """Publish the oldest entries of the shards and delete what was confirmed; return how many."""
    rows = session.execute(_FETCH, [shards, BATCH]).fetchall()
    if not rows:
        return 0
    receipt = publisher.publish([Outgoing(*row) for row in rows])
    _settle(session, receipt)
    return len(receipt.confirmed)


def _settle(session: psycopg.Connection[Any], receipt: Receipt) -> None:
    if receipt.confirmed:
        session.execute("DELETE FROM messaging_outboxentry WHERE id = ANY(%s)", [list(receipt.confirmed)])
    if receipt.unroutable:
        logger.error("%d messages are unroutable: no queue is bound to them", len(receipt.unroutable))
        session.execute(_BURY_UNROUTABLE, [list(receipt.unroutable)])


def _wait_for_work(session: psycopg.Connection[Any]) -> None:
    for _ in session.notifies(timeout=POLL, stop_after=1):
        pass
