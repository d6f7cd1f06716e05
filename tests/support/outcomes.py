"""Acts of the other contexts for orders, recorded by orders without an event."""

from collections.abc import Callable, Collection
from functools import partial
from uuid import UUID

from django.utils import timezone

from orders import history, services
from orders.history import Step
from orders.models import Order
from orders.refunds import outcomes as refunds
from shipping.events import OrderDelivered
from shop.ids import uuid7
from shop.messaging.publishing import publish, unit_of_work

Outcome = Callable[..., list[Order]]


def outcome(step: Step) -> Outcome:
    """Return the function that has orders take a step."""

    def record(*, order_ids: Collection[UUID]) -> list[Order]:
        return services.record_outcomes(steps=[(order_id, step) for order_id in order_ids])

    return record


record_payments = outcome(history.paid)
record_waiting = outcome(history.stock_awaited)
record_deductions = outcome(history.stock_taken)
record_shipments = outcome(history.shipped)
record_deliveries = outcome(history.delivered)
record_payment_failures = outcome(history.payment_failed)
record_rejections = outcome(history.out_of_stock)
record_shipment_failures = outcome(history.shipment_failed)
record_undone_payments = outcome(history.payment_undone)
record_undone_stock = outcome(history.stock_undone)


def delivered(order: Order) -> None:
    """Have the parcel of an order arrive, by the log as well."""
    for record in (record_payments, record_deductions, record_deliveries):
        record(order_ids=[order.pk])
    with unit_of_work():
        publish(OrderDelivered(order_id=order.pk, shipment_id=uuid7(), delivered_at=timezone.now()))


def record_refund_failures(*, order_ids: Collection[UUID]) -> list[Order]:
    """Have orders note that all the money of orders could not be given back."""
    return refunds.record_failures([(order_id, uuid7(), "declined") for order_id in order_ids])


def record_stops(reason: str) -> Outcome:
    """Return the function that has orders stopped by shipping, for the reason of the request."""
    return outcome(partial(history.stopped, reason=reason))
