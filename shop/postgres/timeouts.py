"""Statement timeouts: the database gives up what takes longer than a web request may."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.db import OperationalError, connection, transaction
from psycopg.errors import QueryCanceled

#: Text for whoever asked for too much.
REMEDY = "This took too long and was given up: ask for less at once, or try again later."


def timed_out(error: BaseException | None) -> bool:
    """Tell whether the database gave a statement up."""
    return isinstance(error, OperationalError) and isinstance(error.__cause__, QueryCanceled)


@contextmanager
def statement_timeout(limit: timedelta) -> Iterator[None]:
    """Run statements in a transaction with a timeout of its own, such as those of an export."""
    with transaction.atomic(), connection.cursor() as cursor:
        milliseconds = str(int(limit.total_seconds() * 1000))
        cursor.execute("SELECT set_config('statement_timeout', %s, true)", [milliseconds])
        yield
