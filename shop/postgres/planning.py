"""Query plans of filtered lists."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection


@contextmanager
def custom_plans() -> Iterator[None]:
    """Plan the statements in the block for their values, instead of once per connection.

    A generic plan can use neither partial indexes nor the prefix of a LIKE pattern, and assumes that every
    value is frequent: for a rare value it would scan the table from its newest row until a page is full.
    """
    connection.ensure_connection()
    session: Any = connection.connection
    before, session.prepare_threshold = session.prepare_threshold, None
    try:
        yield
    finally:
        session.prepare_threshold = before
