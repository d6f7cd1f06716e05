"""Statements of integrations beyond the ORM: new deliveries, claims and their results."""

from collections.abc import Collection, Iterator, Sequence
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection

from integrations.models import Delivery
from shop.postgres.writes import Update

#: Notifications about deliveries that are due.
CHANNEL = "integrations_due"

#: Claims deliveries that are due: of each endpoint no more than it may have at a time, and of each aggregate
#: the first that is not done. Those whose lease has ended belong to a worker that died. NOT EXISTS would be a
#: join, which PostgreSQL makes of all that waits for each of it while the table is new to it.
_CLAIM = """
    WITH due AS (
        SELECT delivery.id
        FROM (
            SELECT id, failures FROM integrations_endpoint
            WHERE state = 'enabled' AND (retry_at IS NULL OR retry_at <= statement_timestamp())
            ORDER BY random()
        ) AS endpoint
        LEFT JOIN unnest(%b::uuid[]) AS slow (id) USING (id)
        CROSS JOIN LATERAL (
            SELECT count(*) AS busy FROM integrations_delivery
            WHERE endpoint_id = endpoint.id AND state = 'pending' AND leased_until > statement_timestamp()
        ) AS running
        CROSS JOIN LATERAL (
            SELECT waiting.id FROM integrations_delivery AS waiting
            WHERE waiting.endpoint_id = endpoint.id AND waiting.state = 'pending'
            AND waiting.due_at <= statement_timestamp()
            AND (waiting.leased_until IS NULL OR waiting.leased_until <= statement_timestamp())
            AND waiting.sequence = (
                SELECT min(sequence) FROM integrations_delivery AS earlier
                WHERE earlier.endpoint_id = waiting.endpoint_id AND earlier.state = 'pending'
                AND earlier.aggregate_id = waiting.aggregate_id
            )
            ORDER BY waiting.due_at, waiting.id
            LIMIT greatest(0, CASE WHEN endpoint.failures >= %s THEN 1
                              WHEN slow.id IS NULL THEN %s ELSE %s END - running.busy)
            FOR UPDATE SKIP LOCKED
        ) AS delivery
        LIMIT %s
    )
    UPDATE integrations_delivery AS delivery SET leased_until = statement_timestamp() + %s FROM due
    WHERE delivery.id = due.id RETURNING delivery.id
"""

_NEXT_DUE = """
    SELECT extract(epoch FROM min(greatest(next.due_at, endpoint.retry_at, next.leased_until))
                              - statement_timestamp())::float
    FROM integrations_endpoint AS endpoint
    CROSS JOIN LATERAL (
        SELECT due_at, leased_until FROM integrations_delivery
        WHERE endpoint_id = endpoint.id AND state = 'pending' ORDER BY due_at LIMIT 1
    ) AS next
    WHERE endpoint.state = 'enabled'
"""

_EXPIRE = """
    UPDATE integrations_delivery
    SET state = 'failed', finished_at = statement_timestamp(), leased_until = NULL
    WHERE id IN (
        SELECT id FROM integrations_delivery
        WHERE state = 'pending' AND expires_at < statement_timestamp()
        AND (leased_until IS NULL OR leased_until <= statement_timestamp())
        LIMIT 1000 FOR UPDATE SKIP LOCKED
    )
"""


class Limits(NamedTuple):
    """Bounds of a claim."""

    #: Failures in a row from which an endpoint gets one delivery at a time.
    failures: int
    #: Deliveries at once of an endpoint, and of a slow one.
    each: int
    slow: int
    #: Deliveries altogether.
    total: int


def add(deliveries: Sequence[Delivery], *, again: bool = False) -> None:
    """Insert deliveries that are not known; ``again``: known ones that are done become due once more."""
    if not deliveries:
        return
    if again:
        events = [delivery.event_id for delivery in deliveries]
        done = Delivery.objects.filter(endpoint=deliveries[0].endpoint_id, event_id__in=events)
        first = deliveries[0]
        done.exclude(state=Delivery.State.PENDING).update(
            state=Delivery.State.PENDING,
            attempts=0,
            due_at=first.due_at,
            expires_at=first.expires_at,
            finished_at=None,
        )
    in_order = sorted(deliveries, key=lambda one: (str(one.endpoint_id), str(one.event_id)))
    Delivery.objects.bulk_create(in_order, ignore_conflicts=True)
    wake()


def wake() -> None:
    """Wake the senders when the open transaction commits."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, '')", [CHANNEL])


def claim(limits: Limits, *, slow: Collection[UUID], lease: timedelta) -> list[Delivery]:
    """Lease deliveries that are due, and return them with their endpoints."""
    parameters: list[Any] = [list(slow), limits.failures, limits.each, limits.slow, limits.total, lease]
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, parameters)
        ids = [row[0] for row in cursor.fetchall()]
    if not ids:
        return []
    return list(Delivery.objects.filter(pk__in=ids).select_related("endpoint").order_by("due_at", "pk"))


def release(ids: Collection[int]) -> None:
    """Give leased deliveries back that were not sent."""
    Delivery.objects.filter(pk__in=ids).update(leased_until=None)


def seconds_to_next() -> float | None:
    """Return the seconds until something is due; None if nothing waits."""
    with connection.cursor() as cursor:
        cursor.execute(_NEXT_DUE)
        row: Any = cursor.fetchone()
    return row[0] if row else None


def give_up_expired() -> int:
    """Give up the deliveries whose time is over; return their number."""
    with connection.cursor() as cursor:
        cursor.execute(_EXPIRE)
        return int(cursor.rowcount)


def store_results(deliveries: Sequence[Delivery]) -> None:
    """Write what became of deliveries, in one statement."""
    names = ["state", "attempts", "due_at", "leased_until", "finished_at"]
    if deliveries:
        Update(deliveries, names).execute()


def in_parts(rows: Sequence[Any], size: int = 1000) -> Iterator[Sequence[Any]]:
    """Yield rows in parts."""
    return (rows[start : start + size] for start in range(0, len(rows), size))
