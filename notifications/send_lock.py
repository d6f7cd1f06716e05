"""Nobody sends the same message at the same time as somebody else; a crashed sender hinders nobody."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from uuid import UUID

from django.db import connection

_LOCK = "SELECT pg_advisory_lock(hashtextextended(name, 0)) FROM unnest(%b::text[]) AS name"
_UNLOCK = "SELECT pg_advisory_unlock(hashtextextended(name, 0)) FROM unnest(%b::text[]) AS name"


@contextmanager
def sole_sender(kind: str, order_ids: Iterable[UUID]) -> Iterator[None]:
    """Hold the right to send the orders' messages of this kind; wait while another process has it.

    The locks belong to the database session, as mail is sent outside of transactions: a sender that
    dies loses them with its connection. They are taken in one order, so that two batches with the same
    messages do not wait for each other.
    """
    names = [f"notifications:{kind}:{order_id}" for order_id in sorted(order_ids)]
    try:
        with connection.cursor() as cursor:
            cursor.execute(_LOCK, [names])
        yield
    finally:  # also where waiting for one has failed: those before it are held
        with connection.cursor() as cursor:
            cursor.execute(_UNLOCK, [names])
