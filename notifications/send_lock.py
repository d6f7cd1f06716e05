"""Send locks: a message is sent by one process at a time, and a crashed process holds no lock."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from uuid import UUID

from django.db import connection

_LOCK = "SELECT pg_advisory_lock(hashtextextended(name, 0)) FROM unnest(%b::text[]) AS name"
_UNLOCK = "SELECT pg_advisory_unlock(hashtextextended(name, 0)) FROM unnest(%b::text[]) AS name"


@contextmanager
def send_locks(kind: str, order_ids: Iterable[UUID]) -> Iterator[None]:
    """Hold the locks of the orders' messages of this kind; wait while another process holds one.

    Mail is sent outside of transactions, so the locks belong to the database session: a crashed process
    loses them with its connection. They are taken in one order, so that overlapping batches do not deadlock.
    """
    names = [f"notifications:{kind}:{order_id}" for order_id in sorted(order_ids)]
    try:
        with connection.cursor() as cursor:
            cursor.execute(_LOCK, [names])
        yield
    finally:  # also if waiting for one failed: the locks before it are held
        with connection.cursor() as cursor:
            cursor.execute(_UNLOCK, [names])
