"""Table of consumed events, written by the consumers of test contexts."""

import os

from django.db import connection


def note(probe_id: object, what: str, size: int = 1) -> None:
    """Note a consumed event and the size of its batch."""
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO probe_note VALUES (%s, %s, %s, %s)", [probe_id, what, size, os.getpid()])
