"""Lists are planned for what is looked for: one plan for all values would read a table for a rare one."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection


@contextmanager
def custom_plans() -> Iterator[None]:
    """Have the statements within planned each time they run, not once a connection.

    PostgreSQL's plan for any value knows neither partial indexes nor how an address begins, and takes
    every value to be frequent: it walks from the newest row until a page is full, however far that is.
    """
    connection.ensure_connection()
    session: Any = connection.connection
    before, session.prepare_threshold = session.prepare_threshold, None
    try:
        yield
    finally:
        session.prepare_threshold = before
