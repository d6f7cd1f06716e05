"""Statements of orders beyond the ORM: keys reserved, orders added, locked and stored in sets."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from orders.errors import UnknownOrder
from orders.models import Order, OrderLine
from shop.accounts.limits import UNLIMITED
from shop.ids import uuid7_at, uuid7_time
from shop.messaging.outbox import defer_write
from shop.postgres import locking, statements
from shop.postgres.combined_selects import Companion, Select, fetched_along
from shop.postgres.writes import Insert

#: Window of the limit on a customer's orders.
MINUTE = timedelta(minutes=1)
#: Greater than the key of any order.
_END_OF_TIME = UUID(int=2**128 - 1)
#: From the sequences of the numbers that people see, and of the keys of lines; and the oldest of the orders
#: that use up the customer's limit, if they do. Keys of orders are UUIDv7, and so sort by time.
_KEYS = """
    SELECT nextval('orders_order_serial') AS serial,
           ARRAY(SELECT nextval('orders_orderline_id_seq') FROM generate_series(1, %s)) AS lines,
           (SELECT id FROM orders_order WHERE customer_id = %s AND id >= %s
                AND NOT EXISTS (SELECT FROM auth_user_groups AS membership
                                JOIN auth_group ON auth_group.id = membership.group_id
                                WHERE membership.user_id = %s AND auth_group.name = %s)
            ORDER BY id DESC OFFSET %s LIMIT 1) AS oldest_that_counts
"""


@dataclass(frozen=True, slots=True)
class Keys:
    """Preallocated serial number of an order, and primary keys of its lines."""

    serial: int
    lines: list[int]
    #: Seconds until the customer may place another order.
    wait: float


@contextmanager
def reserved_keys(*, lines: int, customer_id: int) -> Iterator[Companion[Keys]]:
    """Reserve the keys of an order, together with the first query in the block.

    The keys of an order that is refused after all are lost.
    """
    quota, window_start = settings.SHOP_ORDERS_A_MINUTE, timezone.now() - MINUTE
    since = uuid7_at(window_start) if quota else _END_OF_TIME
    parameters = [lines, customer_id, since, customer_id, UNLIMITED, max(0, quota - 1)]

    def read(rows: list[dict[str, Any]]) -> Keys:
        oldest = rows[0].pop("oldest_that_counts")
        wait = (uuid7_time(UUID(oldest)) - window_start).total_seconds() if oldest else 0.0
        return Keys(**rows[0], wait=wait)

    with fetched_along(Select(_KEYS, parameters, read)) as keys:
        yield keys


def add(order: Order, lines: Sequence[OrderLine]) -> None:
    """Insert an order with its lines at the end of the unit of work."""
    defer_write(Insert([order]), Insert(lines))
    known = order.lines.all()
    known._result_cache = list(lines)  # spares the query for what is just written
    order._prefetched_objects_cache = {"lines": known}  # type: ignore[attr-defined]


def lock(order_ids: Collection[UUID]) -> list[Order]:
    """Lock orders, by id, until the transaction ends; :class:`UnknownOrder` if one does not exist."""
    return _lock(order_ids, ())


def lock_for_steps(order_ids: Collection[UUID]) -> list[Order]:
    """Lock orders as lock() does, and read only what steps look at and change."""
    return _lock(order_ids, ("id", "serial", *Order.CHANGEABLE))


def _lock(order_ids: Collection[UUID], only: Sequence[str]) -> list[Order]:
    wanted = set(order_ids)
    orders = locking.locked(Order, "id", wanted, only=only)
    if missing := wanted - {order.pk for order in orders}:
        raise UnknownOrder(order=", ".join(map(str, sorted(missing))))
    return orders


def store(orders: Collection[Order], *, keep_time_of: Collection[UUID] = ()) -> None:
    """Write changed orders: one statement for each kind of outcome.

    Args:
        orders: the orders, which are locked.
        keep_time_of: those that go on waiting: their deadlines do not move.
    """
    alike: defaultdict[tuple[object, ...], list[UUID]] = defaultdict(list)
    for order in orders:
        wanted = (getattr(order, name) for name in Order.CHANGEABLE)
        alike[order.pk in keep_time_of, *wanted].append(order.pk)
    for (is_waiting, *values), ids in alike.items():
        new = dict(zip(Order.CHANGEABLE, values, strict=True))
        if not is_waiting:
            new["changed_at"] = timezone.now()
        statements.set_fields(Order, ids, **new)
