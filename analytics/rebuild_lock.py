"""Live projection and rebuild take turns here, so that no event is lost or counted twice.

Three advisory locks of PostgreSQL, which a process that dies loses with its connection:

``RUNNING``   held by a rebuild from beginning to end; whoever projects meanwhile writes it to the journal.
``GATE``      shared by everybody who projects, until commit; held alone for the two moments of a rebuild
              when nobody may be in between: its beginning and its swap.
``SINGLE``    one rebuild at a time.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from django.db import connection, transaction

from analytics.errors import RebuildRunning
from analytics.measurements import Observation
from analytics.models import JournalEntry

#: The first half of our locks' keys: nobody else's.
_OURS = 0x616E61
SINGLE, RUNNING, GATE = 1, 2, 3
#: Longest wait for the gate and the tables at the swap: rather no rebuild than no live projection.
PATIENCE = "20s"


def join(observations: Sequence[Observation]) -> None:
    """Enter with what is to be projected live, and stay in until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock_shared(%s, %s), pg_try_advisory_xact_lock_shared(%s, %s)",
            [_OURS, GATE, _OURS, RUNNING],
        )
        alone = cursor.fetchall()[0][1]
    if not alone:
        JournalEntry.objects.bulk_create(
            JournalEntry(event_id=o.event_id, observation=o.as_json()) for o in observations
        )


@contextmanager
def journaling() -> Iterator[None]:
    """Have all that is projected live written to the journal; RebuildRunning if that is so already."""
    if not _ask("pg_try_advisory_lock", SINGLE):
        raise RebuildRunning("A rebuild is running already: wait until it is done.")
    try:
        _ask("pg_advisory_lock", RUNNING)
        try:
            yield
        finally:
            _ask("pg_advisory_unlock", RUNNING)
    finally:
        _ask("pg_advisory_unlock", SINGLE)


@contextmanager
def closed() -> Iterator[None]:
    """A transaction in which nobody else projects; whoever wants to waits for its end."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", [PATIENCE])
        _ask("pg_advisory_xact_lock", GATE)
        yield


def _ask(function: str, key: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(%s, %s)", [_OURS, key])
        return cursor.fetchall()[0][0] is not False
