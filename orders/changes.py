"""Changes of orders: steps taken with locked orders, stored, timed and announced."""

from collections.abc import Collection, Mapping
from uuid import UUID

from orders import history, repository
from orders.deadlines import move_deadline
from orders.events import OrderCancelled, OrderNeedsAttention
from orders.history import Step
from orders.models import Order
from orders.states import Status
from shop.messaging.publishing import publish, unit_of_work


def follow(steps: Collection[tuple[UUID, Step]]) -> list[Order]:
    """Take the steps that events mean, and complete the cancellations for which nothing is left to undo."""
    order_ids = {order_id for order_id, _ in steps}
    return take([*steps, *((order_id, history.completed) for order_id in order_ids)])


@unit_of_work()
def take(steps: Collection[tuple[UUID, Step]]) -> list[Order]:
    """Take steps with orders; store, time and announce the outcome. Returns all orders."""
    orders = {order.pk: order for order in repository.lock_for_steps({order_id for order_id, _ in steps})}
    before = {order.pk: (order.status, order.attention_reason) for order in orders.values()}
    changed = {order_id: orders[order_id] for order_id, step in steps if orders[order_id].take(step)}
    moved = [o for o in changed.values() if (o.status, o.attention_reason) != before[o.pk]]
    store(changed.values(), came_from={order.pk: before[order.pk][0] for order in moved})
    for order in moved:
        _announce(order)
    return list(orders.values())


def store(changed: Collection[Order], came_from: Mapping[UUID, str]) -> None:
    """Store changed orders, and move the deadlines of those that ``came_from`` another status."""
    waiting = {order.pk for order in changed if order.status == Status.PLACED and order.pk not in came_from}
    repository.store(changed, keep_time_of=waiting)
    for order in changed:
        if order.pk in came_from:
            move_deadline(order, came_from[order.pk])


def _announce(order: Order) -> None:
    if order.status == Status.CANCELLED:
        publish(OrderCancelled(order_id=order.pk, number=order.number, reason=order.cancel_reason))
    elif order.status == Status.NEEDS_ATTENTION:
        publish(
            OrderNeedsAttention(
                order_id=order.pk,
                number=order.number,
                reason=order.attention_reason,
                stage=order.stage,
                note=order.attention_note,
            )
        )
