"""Changes of orders: steps taken with locked orders, stored, timed and announced."""

from collections.abc import Callable, Collection, Mapping
from uuid import UUID

from orders import repository
from orders.deadlines import move_deadline
from orders.events import OrderCancelled, OrderNeedsAttention
from orders.models import Order
from orders.states import Status
from shop.messaging.publishing import publish, unit_of_work

#: Changes an order, and returns True if it did.
Step = Callable[[Order], bool]


@unit_of_work()
def change(order_ids: Collection[UUID], *steps: Step) -> list[Order]:
    """Take every step with every order; store, time and announce the outcome. Returns all orders."""
    orders = repository.lock_for_steps(order_ids)
    before = {order.pk: (order.status, order.attention_reason) for order in orders}
    changed = [order for order in orders if _takes_any(order, steps)]
    moved = [order for order in changed if (order.status, order.attention_reason) != before[order.pk]]
    store(changed, came_from={order.pk: before[order.pk][0] for order in moved})
    for order in moved:
        _announce(order)
    return orders


def _takes_any(order: Order, steps: Collection[Step]) -> bool:
    taken = [step(order) for step in steps]
    return any(taken)


def store(changed: Collection[Order], came_from: Mapping[UUID, str]) -> None:
    """Store changed orders, and move the deadlines of those that ``came_from`` another status."""
    repository.store(changed)
    for order in changed:
        if order.pk in came_from:
            move_deadline(order, came_from[order.pk])


def _announce(order: Order) -> None:
    if order.status == Status.CANCELLED:
        publish(OrderCancelled(order_id=order.pk, number=order.number, reason=order.cancel_reason))
    elif order.status == Status.NEEDS_ATTENTION:
        publish(OrderNeedsAttention(order_id=order.pk, number=order.number, reason=order.attention_reason))
