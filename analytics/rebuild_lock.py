"""Locks between the live projection, a rebuild and a second version: no event is lost or counted twice.

Three advisory locks of PostgreSQL. A crashed process loses them with its connection.

``REBUILD``     exclusive, held during a rebuild, and by what follows, promotes or drops a second version: one
                of them at a time.
``JOURNAL``     exclusive, held during a rebuild: every projection meanwhile writes to the journal as well.
``PROJECTION``  shared by live projections until they commit; exclusive for the beginning and the swap of a
                rebuild, the two moments without a projection in between.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from django.db import connection, transaction

from analytics.errors import RebuildRunning
from analytics.measurements import Measurement
from analytics.models import JournalEntry
from analytics.registry import ORDERS

#: First half of the keys of these locks.
_NAMESPACE = 0x616E61
REBUILD, JOURNAL, PROJECTION = 1, 2, 3
#: Longest wait of a rebuild for locks. After it the rebuild fails, lest it delays the live projection.
LOCK_TIMEOUT = "20s"


def lock_projection(measurements: Sequence[Measurement]) -> int | None:
    """Take the shared lock until the transaction ends, and return the live version of the read models.

    The measurements are written to the journal if a rebuild is running, or a second version exists.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT version, journaling FROM analytics_hold_projection(%s, %s, %s, %s)",
            [_NAMESPACE, PROJECTION, JOURNAL, ORDERS.name],
        )
        [(version, journaling)] = cursor.fetchall()
    if journaling:
        JournalEntry.objects.bulk_create(
            JournalEntry(event_id=m.event_id, observation=m.as_json()) for m in measurements
        )
    live: int | None = version
    return live


@contextmanager
def one_rebuild() -> Iterator[None]:
    """Keep rebuilds away; RebuildRunning if one is running."""
    if not _call("pg_try_advisory_lock", REBUILD):
        raise RebuildRunning("A rebuild is running already: wait until it is done.")
    try:
        yield
    finally:
        _call("pg_advisory_unlock", REBUILD)


@contextmanager
def journaling() -> Iterator[None]:
    """Have live projections write to the journal; RebuildRunning if a rebuild is running."""
    with one_rebuild():
        _call("pg_advisory_lock", JOURNAL)
        try:
            yield
        finally:
            _call("pg_advisory_unlock", JOURNAL)


@contextmanager
def projection_paused() -> Iterator[None]:
    """Open a transaction without concurrent projections; they wait for its end."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", [LOCK_TIMEOUT])
        _call("pg_advisory_xact_lock", PROJECTION)
        yield


def _call(function: str, key: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(%s, %s)", [_NAMESPACE, key])
        return cursor.fetchall()[0][0] is not False
