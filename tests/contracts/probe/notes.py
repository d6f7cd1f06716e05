"""What the tests' own contexts note in a table, for the tests to see."""

import os

from django.db import connection


def note(probe_id: object, what: str, size: int = 1) -> None:
    """Remember that something was consumed, and in how large a batch."""
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO probe_note VALUES (%s, %s, %s, %s)", [probe_id, what, size, os.getpid()])
