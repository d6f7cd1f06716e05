"""How orders change: locked in the order of their ids, stored in sets, timed, and told of.

Whatever the batch, it takes one statement to lock, and one for each kind of outcome to store.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from orders.errors import UnknownOrder
from orders.events import OrderCancelled, OrderDeadlinePassed, OrderNeedsAttention
from orders.models import Order
from orders.states import DEADLINES, Status
from shop.messaging.consuming.inbox import effects
from shop.messaging.publishing import publish
from shop.messaging.scheduling import schedule, unschedule
from shop.postgres import locking, statements

#: Changes an order and says whether it did.
Step = Callable[[Order], bool]
#: The columns that steps change.
CHANGEABLE = (
    "status",
    "cancel_reason",
    "attention_reason",
    "attention_stage",
    "attention_note",
    "payment_undone",
    "stock_undone",
)


@effects()
def change(order_ids: Collection[UUID], *steps: Step) -> list[Order]:
    """Take every step with every order; store, time and tell what came of it. Returns all of them."""
    orders = locked(order_ids, only=("id", "serial", *CHANGEABLE))
    before = {order.pk: (order.status, order.attention_reason) for order in orders}
    changed = [order for order in orders if _took_any(order, steps)]
    moved = [order for order in changed if (order.status, order.attention_reason) != before[order.pk]]
    store(changed, came_from={order.pk: before[order.pk][0] for order in moved})
    for order in moved:
        _announce(order)
    return orders


def _took_any(order: Order, steps: Collection[Step]) -> bool:
    taken = [step(order) for step in steps]
    return any(taken)


def locked(order_ids: Collection[UUID], *, only: Sequence[str] = ()) -> list[Order]:
    """The orders, locked until the open transaction ends; :class:`UnknownOrder` if one does not exist."""
    wanted = set(order_ids)
    orders = locking.locked(Order, "id", wanted, only=only)
    if missing := wanted - {order.pk for order in orders}:
        raise UnknownOrder(order=", ".join(map(str, sorted(missing))))
    return orders


def store(changed: Collection[Order], came_from: Mapping[UUID, str]) -> None:
    """Write changed orders, and set the deadlines of those that moved on, ``came_from`` another status."""
    alike: defaultdict[tuple[object, ...], list[UUID]] = defaultdict(list)
    for order in changed:
        alike[tuple(getattr(order, name) for name in CHANGEABLE)].append(order.pk)
    for values, ids in alike.items():
        new = dict(zip(CHANGEABLE, values, strict=True))
        statements.set_fields(Order, ids, **new, changed_at=timezone.now())
    for order in changed:
        if order.pk in came_from:
            move_deadline(order, came_from[order.pk])


def overdue_since(order: Order) -> datetime | None:
    """When the present step should have been done; None if it waits for nothing."""
    if order.status not in DEADLINES:
        return None
    since: datetime = order.changed_at + _patience(order.status)
    return since


def move_deadline(order: Order, came_from: str = "") -> None:
    """Have the order looked at when its present step should be done; one that waits for nothing never.

    The reminder of an earlier step stays where that is due before: when it comes it is put off, which
    happens to few orders, while moving it with every step would be work for all.
    """
    was_waiting = came_from in DEADLINES
    if order.status not in DEADLINES:
        if was_waiting:
            unschedule(OrderDeadlinePassed, order.pk)
    elif not was_waiting or _patience(order.status) < _patience(came_from):
        remind_at(timezone.now() + _patience(order.status), order)


def remind_at(due: datetime, order: Order) -> None:
    """Have the order looked at then."""
    step, _ = DEADLINES[order.status]
    schedule(OrderDeadlinePassed(order_id=order.pk, step=step), at=due)


def _patience(status: str) -> timedelta:
    """For how long an order waits in this status."""
    _, setting = DEADLINES[status]
    patience: timedelta = getattr(settings, setting)
    return patience


def _announce(order: Order) -> None:
    if order.status == Status.CANCELLED:
        publish(OrderCancelled(order_id=order.pk, number=order.number, reason=order.cancel_reason))
    elif order.status == Status.NEEDS_ATTENTION:
        publish(OrderNeedsAttention(order_id=order.pk, number=order.number, reason=order.attention_reason))
