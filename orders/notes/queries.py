"""Queries of notes and tags, answered with plain data."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection

from orders.models import OrderNote

#: Notes of an order that a page shows, and tags that a list offers.
MOST_NOTES, MOST_NAMES = 100, 100
#: One look into the index for each name, however many orders have it.
_NAMES = """
    WITH RECURSIVE names AS (
        (SELECT name FROM orders_ordertag ORDER BY name LIMIT 1)
        UNION ALL
        SELECT (SELECT name FROM orders_ordertag WHERE name > names.name ORDER BY name LIMIT 1)
        FROM names WHERE names.name IS NOT NULL
    )
    SELECT name FROM names WHERE name IS NOT NULL LIMIT %s
"""


@dataclass(frozen=True, slots=True)
class NoteInfo:
    """A note of staff on an order."""

    id: UUID
    text: str
    by: str
    at: datetime


def notes_of(order_id: UUID) -> list[NoteInfo]:
    """Return the latest notes on an order, oldest first."""
    found = OrderNote.objects.filter(order=order_id).order_by("-pk").values_list("pk", "text", "by", "at")
    return [NoteInfo(*row) for row in found[:MOST_NOTES]][::-1]


def tag_names() -> list[str]:
    """Return the names of all tags in use, by name, up to a limit."""
    with connection.cursor() as cursor:
        cursor.execute(_NAMES, [MOST_NAMES])
        return [name for (name,) in cursor.fetchall()]
