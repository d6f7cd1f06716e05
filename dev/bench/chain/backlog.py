"""Backlog of orders: accepted while the relay is held back, then followed to their end."""

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import psycopg

from dev.bench.deployment import Deployment, check_placed
from dev.bench.progress import Progress
from dev.errors import ScriptError
from dev.processes import children
from shop.messaging.outbox.shards import SHARDS

#: Namespace of the relay's shard locks. A test compares it with the relay's own.
SHARD_LOCK = 7301
#: Processes that place a backlog, and connections of each.
_PLACERS, _THREADS = 2, 4
#: Seconds without progress after which the measurement fails.
IDLE_TIMEOUT = 60.0
#: Seconds between two queries. The results use the times in the tables.
_POLL_INTERVAL = 0.25
#: Number of unchanged queries, a second apart, after which the shop is quiet.
_QUIET_QUERIES = 3

_TAKE = "select bool_and(pg_try_advisory_lock(%s, shard)) from generate_series(0, %s) shard"
_HOLDERS = """
    from pg_locks where locktype = 'advisory' and granted and classid = %s and pid <> pg_backend_pid()
    and database = (select oid from pg_database where datname = current_database())
"""
_PLACED = """
    select count(*), max(time) from messaging_eventrecord
    where position > %s and type = 'orders.OrderCreated.v2'
"""
_SHIPPED = """
    select count(*), max(time) from messaging_eventrecord
    where position > %s and type = 'shipping.OrderShipped.v2'
"""
#: Numbers that change with any activity of the shop. Messages due in an hour do not count.
_ACTIVITY = """
    select (select max(id) from messaging_inboxentry), (select count(*) from messaging_outboxentry),
           (select count(*) from messaging_scheduledmessage where due_at < now() + interval '10 minutes'),
           (select count(*) from notifications_notification where state in ('queued', 'sending'))
"""
_DONE = """
    select greatest((select max(consumed_at) from messaging_inboxentry where consumed_at > %(since)s),
                    (select max(sent_at) from notifications_notification where sent_at > %(since)s))
"""


@contextlib.contextmanager
def relay_held_back(shop: Deployment) -> Iterator[Callable[[], datetime]]:
    """Keep the relay from relaying by holding the locks of all shards.

    Yields a function that releases the locks and returns the time at which the relay had taken them.
    """
    with psycopg.connect(shop.database_url, autocommit=True) as session:
        _take_over(session)
        yield lambda: _release(session)


def _take_over(session: psycopg.Connection[Any]) -> None:
    """Take the locks while the relay reconnects; it never gives up a lock by itself."""
    deadline = time.monotonic() + IDLE_TIMEOUT
    while time.monotonic() < deadline:
        session.execute(f"select pg_terminate_backend(pid, 5000) {_HOLDERS}".encode(), [SHARD_LOCK])
        if _first(session, _TAKE, SHARD_LOCK, SHARDS - 1):
            return
    raise ScriptError("the relay does not release its shards: see the log of the worker 'messaging'.")


def _release(session: psycopg.Connection[Any]) -> datetime:
    session.execute("select pg_advisory_unlock_all()")
    deadline = time.monotonic() + IDLE_TIMEOUT
    while time.monotonic() < deadline:
        if _first(session, f"select count(*) {_HOLDERS}", SHARD_LOCK):
            return datetime.now(UTC)
        time.sleep(0.002)
    raise ScriptError("the relay does not take its shards: see the log of the worker 'messaging'.")


def _first(session: psycopg.Connection[Any], query: str, *parameters: object) -> Any:
    return session.execute(query.encode(), parameters).fetchall()[0][0]


def last_position(shop: Deployment) -> int:
    """Return the last position of the log."""
    position: int = shop.rows("select coalesce(max(position), 0) from messaging_eventrecord")[0][0]
    return position


def place(shop: Deployment, orders: int, *, after: int) -> None:
    """Place orders by several processes as fast as possible, reporting the progress."""
    shares = [orders // _PLACERS + (n < orders % _PLACERS) for n in range(_PLACERS)]
    placers = [
        shop.start_placing(orders=share, threads=_THREADS, seed=n) for n, share in enumerate(shares) if share
    ]
    try:
        _await(shop, _PLACED, orders, after, "accepted", placers)
    finally:
        children.stop_children(placers)


def await_shipped(shop: Deployment, orders: int, *, after: int) -> datetime:
    """Wait until ``orders`` orders are shipped; return the time of the last one."""
    return _await(shop, _SHIPPED, orders, after, "shipped")


def _await(
    shop: Deployment, query: str, orders: int, after: int, what: str, by: Sequence[children.Child] = ()
) -> datetime:
    progress = Progress(shop.name, what, orders, timeout=IDLE_TIMEOUT)
    while True:
        ((count, last),) = shop.rows(query, after)
        if count >= orders:
            moment: datetime = last
            return moment
        for child in by:
            check_placed(child, shop.placing_log)
        progress.note(count)
        shop.sleep(_POLL_INTERVAL)


def await_quiet(shop: Deployment, *, since: datetime) -> datetime:
    """Wait until the shop is quiet; return the time of its last activity."""
    progress, before, still = time.monotonic(), None, 0
    while still < _QUIET_QUERIES:
        now = shop.rows(_ACTIVITY)[0]
        still = still + 1 if now == before and not any(now[1:]) else 0
        progress = progress if now == before else time.monotonic()
        if time.monotonic() - progress > IDLE_TIMEOUT:
            raise ScriptError(f"the shop does not get quiet: last inbox id, outbox, due, unsent: {now}.")
        before = now
        shop.sleep(1)
    moment: datetime = shop.session.execute(_DONE, {"since": since}).fetchall()[0][0]
    return moment
