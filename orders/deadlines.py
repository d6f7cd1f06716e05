"""Deadlines of an order's steps: one durable timer an order."""

from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from orders.events import OrderDeadlinePassed
from orders.models import Order
from orders.states import DEADLINES
from shop.messaging.scheduling import schedule, unschedule


def overdue_since(order: Order) -> datetime | None:
    """Return the deadline of the present step; None if the order waits for nothing."""
    if order.status not in DEADLINES:
        return None
    since: datetime = order.changed_at + _time_limit(order.status)
    return since


def move_deadline(order: Order, came_from: str = "") -> None:
    """Set the timer to the deadline of the present step; without one, call it off.

    The timer of an earlier step stays where it is due before: it is then put off, which happens to few
    orders, while moving it with every step would be work for all.
    """
    was_waiting = came_from in DEADLINES
    if order.status not in DEADLINES:
        if was_waiting:
            unschedule(OrderDeadlinePassed, order.pk)
    elif not was_waiting or _time_limit(order.status) < _time_limit(came_from):
        remind_at(timezone.now() + _time_limit(order.status), order)


def remind_at(due: datetime, order: Order) -> None:
    """Set the order's timer."""
    step, _ = DEADLINES[order.status]
    schedule(OrderDeadlinePassed(order_id=order.pk, step=step), at=due)


def _time_limit(status: str) -> timedelta:
    _, setting = DEADLINES[status]
    limit: timedelta = getattr(settings, setting)
    return limit
