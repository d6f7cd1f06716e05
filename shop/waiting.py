"""Numbers of rows that wait for a person."""

from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import Count, Min, QuerySet


class Waiting(NamedTuple):
    """Rows that wait for a person: their number, and the time since which the oldest waits."""

    number: int
    since: datetime | None = None


def waiting(rows: QuerySet[Any], since: str) -> Waiting:
    """Count rows that wait, by an index on their state, with the oldest time in the column ``since``."""
    return Waiting(**rows.order_by().aggregate(number=Count("pk"), since=Min(since)))
