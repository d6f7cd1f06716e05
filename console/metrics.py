"""Readings about orders for the metrics: their statuses, deadlines, and how long they take."""

from collections.abc import Iterator

from analytics.queries import ended_orders
from integrations.queries import standing
from orders.events import OrderCancelled
from orders.queries import moving_orders_by_status, overdue_by_step
from shipping.events import OrderDelivered, OrderShipped
from shop.messaging.operations.durations import NewDurations
from shop.metrics import families
from shop.metrics.histogram import Histogram
from shop.metrics.sources import Sample, source

#: Type of an event -> outcome of the order.
_OUTCOMES = {
    OrderShipped.type: "shipped",
    OrderDelivered.type: "delivered",
    OrderCancelled.type: "cancelled",
}
_new = NewDurations(_OUTCOMES)
_durations = {outcome: Histogram(families.ORDER_DURATION.bounds) for outcome in _OUTCOMES.values()}


@source
def orders() -> Iterator[Sample]:
    """Yield the orders by status: the moving ones by an index, the others from the read model."""
    for status, number in (moving_orders_by_status() | ended_orders()).items():
        yield Sample(families.ORDERS, number, (status,))
    for step, number in overdue_by_step().items():
        yield Sample(families.OVERDUE_ORDERS, number, (step,))


@source
def webhooks() -> Iterator[Sample]:
    """Yield how the webhooks to other programs stand."""
    found = standing()
    for state, number in found.endpoints.items():
        yield Sample(families.WEBHOOK_ENDPOINTS, number, (state,))
    yield Sample(families.PENDING_WEBHOOKS, found.pending)
    yield Sample(families.WEBHOOK_AGE, found.oldest)


@source
def order_durations() -> Iterator[Sample]:
    """Yield the durations of orders that ended or were shipped since the scheduler's start."""
    for type_, seconds in _new.read():
        _durations[_OUTCOMES[type_]].observe(seconds)
    for outcome, durations in _durations.items():
        yield Sample(families.ORDER_DURATION, durations, (outcome,))
