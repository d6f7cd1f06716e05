"""Statements of shipping beyond the ORM: shipments added, locked and stored in sets."""

from collections.abc import Collection, Iterable, Sequence
from operator import attrgetter, itemgetter
from uuid import UUID

from django.db import connection
from django.utils import timezone

from shipping.models import Shipment, TrackingEvent
from shop.postgres import locking, statements

_COLUMNS = [str(field.column) for field in Shipment._meta.concrete_fields]
#: The conditions are checked on the locked rows, so a concurrent stop is seen.
_START_BOOKING = f"""
    WITH locked AS (
        SELECT id, state, stop_reason, hold FROM shipping_shipment
        WHERE order_id = ANY(%b::uuid[]) AND round = 1 ORDER BY order_id FOR NO KEY UPDATE
    )
    UPDATE shipping_shipment AS shipment SET state = %s, updated_at = %s
    FROM locked
    WHERE shipment.id = locked.id AND locked.state = ANY(%b::varchar[]) AND locked.stop_reason = ''
      AND locked.hold = ''
    RETURNING {", ".join(f"shipment.{column}" for column in _COLUMNS)}
"""  # noqa: S608 - of our own columns


def add_new(shipments: Collection[Shipment]) -> None:
    """Insert the shipments of orders that have none."""
    statements.insert_new(sorted(shipments, key=attrgetter("order_id")))


def add_tracking_events(events: Sequence[TrackingEvent]) -> None:
    """Insert tracking events, except those that are known already."""
    TrackingEvent.objects.bulk_create(events, ignore_conflicts=True)


def lock(order_ids: Iterable[UUID]) -> list[Shipment]:
    """Lock the first shipments of orders until the transaction ends, by order id."""
    return [shipment for shipment in lock_all(order_ids) if shipment.is_first]


def lock_all(order_ids: Iterable[UUID]) -> list[Shipment]:
    """Lock all shipments of orders until the transaction ends, by order id."""
    return locking.locked(Shipment, "order_id", list(order_ids))


def lock_by_id(shipment_id: UUID) -> Shipment:
    """Lock a shipment until the transaction ends; Shipment.DoesNotExist if there is none."""
    return Shipment.objects.select_for_update().get(pk=shipment_id)


def lock_or_add(shipment: Shipment) -> tuple[Shipment, bool]:
    """Lock the first shipment of the same order, or insert this one; True if it was inserted."""
    values = {field.attname: getattr(shipment, field.attname) for field in Shipment._meta.concrete_fields}
    keys = {name: values.pop(name) for name in ("order_id", "round")}
    return Shipment.objects.select_for_update().get_or_create(**keys, defaults=values)


def start_booking(order_ids: Collection[UUID]) -> list[Shipment]:
    """Write and return, by order id, the shipments whose booking starts now: known, not begun, not stopped.

    One statement, which commits by itself outside of a transaction.
    """
    before = [state for state, following in Shipment.LEGAL.items() if Shipment.State.BOOKING in following]
    with connection.cursor() as cursor:
        cursor.execute(_START_BOOKING, [list(order_ids), Shipment.State.BOOKING, timezone.now(), before])
        rows = sorted(cursor.fetchall(), key=itemgetter(1))
    return [Shipment.from_db(connection.alias, _COLUMNS, row) for row in rows]


def make_ready(order_ids: Collection[UUID]) -> set[UUID]:
    """Note that these orders leave when their hold ends; return those that are on hold."""
    held = Shipment.objects.filter(order_id__in=order_ids, round=1).exclude(hold="")
    held.update(hold=Shipment.Hold.READY, updated_at=timezone.now())
    return set(held.values_list("order_id", flat=True))


def store(shipments: Sequence[Shipment]) -> None:
    """Write changed shipments, which are locked, in one statement."""
    statements.update_rows(shipments, [*Shipment.CHANGEABLE, "updated_at"])


def store_outcomes(shipments: Sequence[Shipment]) -> list[Shipment]:
    """Write the outcomes of bookings, in one statement, unless one is stored already or a stop is requested.

    Returns:
        The shipments that were written.
    """
    return statements.update_where(
        shipments,
        [*Shipment.OUTCOME, "updated_at"],
        where={"state": Shipment.State.BOOKING, "stop_reason": ""},
        lock_by="order_id",
    )
