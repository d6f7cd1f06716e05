"""Consumers of analytics: each translates its events into measurements for the projection."""

from collections.abc import Iterable, Sequence
from typing import Any

from analytics import services
from analytics.measurements import HeldUp, Measurement, Moved, Ordered
from analytics.models import Step
from inventory.events import (
    InventoryRejected,
    InventoryReleased,
    InventoryRestocked,
    InventoryUpdated,
    StockLine,
    StockReturned,
)
from orders.events import (
    OrderCancellationRequested,
    OrderCancelled,
    OrderCreated,
    OrderedLine,
    OrderNeedsAttention,
    OrderResumed,
    OrderSettled,
    ReturnApproved,
    ReturnReceived,
    ReturnRejected,
    ReturnRequested,
)
from payments.events import (
    PaymentCaptured,
    PaymentFailed,
    PaymentProcessed,
    PaymentRefunded,
    PaymentVoided,
    RefundFailed,
)
from shipping.events import (
    CancellationRejected,
    DeliveryFailed,
    FulfilmentStopped,
    OrderDelivered,
    OrderShipped,
    ShipmentFailed,
)
from shop.messaging.consuming import consumes
from shop.messaging.contracts import Event, Money

#: A batch takes one statement for each table, so large batches are cheap.
BATCH = 500


@consumes(OrderCreated, batch=BATCH)
def when_order_created_count_what_was_ordered(events: Sequence[OrderCreated]) -> None:
    """Count the order and its lines."""
    services.project(measurements=list(map(_placed, events)))


@consumes(PaymentProcessed, batch=BATCH)
def when_payment_processed_add_revenue(events: Sequence[PaymentProcessed]) -> None:
    """Count the paid order, and its revenue unless the money is only held."""
    services.project(
        measurements=[
            _measure(event, Step.PAID, captured=event.amount if event.captured else None) for event in events
        ]
    )


@consumes(PaymentCaptured, batch=BATCH)
def when_payment_captured_add_revenue(events: Sequence[PaymentCaptured]) -> None:
    """Count the revenue of money that was held."""
    services.project(measurements=[_measure(event, Step.CAPTURED, captured=event.amount) for event in events])


@consumes(PaymentFailed, batch=BATCH)
def when_payment_failed_note_it(events: Sequence[PaymentFailed]) -> None:
    """Note that the payment failed."""
    services.project(measurements=[_measure(event, Step.PAYMENT_FAILED, paid_back=True) for event in events])


@consumes(PaymentVoided, batch=BATCH)
def when_payment_voided_note_it(events: Sequence[PaymentVoided]) -> None:
    """Note that nothing will be charged."""
    services.project(measurements=[_measure(event, Step.PAYMENT_VOIDED, paid_back=True) for event in events])


@consumes(PaymentRefunded, batch=BATCH)
def when_payment_refunded_add_refund(events: Sequence[PaymentRefunded]) -> None:
    """Add the refund to the day."""
    services.project(measurements=list(map(_refunded, events)))


@consumes(RefundFailed, batch=BATCH)
def when_refund_failed_note_it(events: Sequence[RefundFailed]) -> None:
    """Note that the refund failed."""
    services.project(measurements=[_measure(event, Step.REFUND_FAILED) for event in events])


@consumes(InventoryUpdated, batch=BATCH)
def when_inventory_updated_count_what_was_sold(events: Sequence[InventoryUpdated]) -> None:
    """Count the lines that left the stock."""
    services.project(
        measurements=[_measure(event, Step.STOCKED, moved=_sold(event.lines)) for event in events]
    )


@consumes(InventoryRejected, batch=BATCH)
def when_inventory_rejected_note_it(events: Sequence[InventoryRejected]) -> None:
    """Note that the stock cannot serve the order."""
    services.project(measurements=[_measure(event, Step.OUT_OF_STOCK) for event in events])


@consumes(InventoryRestocked, batch=BATCH)
def when_inventory_restocked_count_what_came_back(events: Sequence[InventoryRestocked]) -> None:
    """Count the lines that came back into the stock."""
    services.project(
        measurements=[_measure(event, Step.RESTOCKED, moved=_restocked(event.lines)) for event in events]
    )


@consumes(StockReturned, batch=BATCH)
def when_stock_returned_count_what_came_back(events: Sequence[StockReturned]) -> None:
    """Count the lines that came back after the parcel had left."""
    services.project(
        measurements=[_measure(event, Step.RESTOCKED, moved=_restocked(event.lines)) for event in events]
    )


@consumes(InventoryReleased, batch=BATCH)
def when_inventory_released_note_it(events: Sequence[InventoryReleased]) -> None:
    """Note that nothing will be taken from the stock."""
    services.project(measurements=[_measure(event, Step.STOCK_RELEASED) for event in events])


@consumes(OrderShipped, batch=BATCH)
def when_order_shipped_count_it(events: Sequence[OrderShipped]) -> None:
    """Count the shipped order."""
    services.project(measurements=[_measure(event, Step.SHIPPED, carrier=event.carrier) for event in events])


@consumes(ShipmentFailed, batch=BATCH)
def when_shipment_failed_note_it(events: Sequence[ShipmentFailed]) -> None:
    """Note that the carrier refused the parcel."""
    services.project(measurements=[_measure(event, Step.SHIPMENT_FAILED) for event in events])


@consumes(FulfilmentStopped, batch=BATCH)
def when_fulfilment_stopped_note_it(events: Sequence[FulfilmentStopped]) -> None:
    """Note that the parcel will not leave."""
    services.project(measurements=[_measure(event, Step.FULFILMENT_STOPPED) for event in events])


@consumes(CancellationRejected, batch=BATCH)
def when_cancellation_rejected_note_it(events: Sequence[CancellationRejected]) -> None:
    """Note that it was too late to cancel."""
    services.project(measurements=[_measure(event, Step.CANCELLATION_REJECTED) for event in events])


@consumes(OrderDelivered, batch=BATCH)
def when_order_delivered_count_it(events: Sequence[OrderDelivered]) -> None:
    """Count the delivered order."""
    services.project(measurements=[_measure(event, Step.DELIVERED) for event in events])


@consumes(DeliveryFailed, batch=BATCH)
def when_delivery_failed_note_it(events: Sequence[DeliveryFailed]) -> None:
    """Note that the parcel could not be delivered."""
    services.project(measurements=[_measure(event, Step.DELIVERY_FAILED) for event in events])


@consumes(OrderCancellationRequested, batch=BATCH)
def when_order_cancellation_requested_note_it(events: Sequence[OrderCancellationRequested]) -> None:
    """Note that a cancellation was requested."""
    services.project(measurements=[_measure(event, Step.CANCELLATION_REQUESTED) for event in events])


@consumes(OrderCancelled, batch=BATCH)
def when_order_cancelled_count_it(events: Sequence[OrderCancelled]) -> None:
    """Count the cancelled order."""
    services.project(measurements=[_measure(event, Step.CANCELLED) for event in events])


@consumes(OrderNeedsAttention, batch=BATCH)
def when_order_needs_attention_note_it(events: Sequence[OrderNeedsAttention]) -> None:
    """Note that an operator has to act."""
    services.project(
        measurements=[_measure(event, Step.NEEDS_ATTENTION, held_up=_held_up(event)) for event in events]
    )


@consumes(OrderResumed, batch=BATCH)
def when_order_resumed_note_it(events: Sequence[OrderResumed]) -> None:
    """Note that an operator let the order go on waiting."""
    services.project(measurements=[_measure(event, Step.RESUMED) for event in events])


@consumes(OrderSettled, batch=BATCH)
def when_order_settled_note_it(events: Sequence[OrderSettled]) -> None:
    """Note that an operator ended the order."""
    services.project(measurements=[_measure(event, Step.SETTLED) for event in events])


@consumes(ReturnRequested, batch=BATCH, from_beginning=True)
def when_return_requested_count_it(events: Sequence[ReturnRequested]) -> None:
    """Count the return that was asked for."""
    services.project(measurements=[_of_return(event, Step.RETURN_REQUESTED) for event in events])


@consumes(ReturnApproved, batch=BATCH, from_beginning=True)
def when_return_approved_count_it(events: Sequence[ReturnApproved]) -> None:
    """Count the return that was approved."""
    services.project(measurements=[_of_return(event, Step.RETURN_APPROVED) for event in events])


@consumes(ReturnRejected, batch=BATCH, from_beginning=True)
def when_return_rejected_count_it(events: Sequence[ReturnRejected]) -> None:
    """Count the return that was refused."""
    services.project(measurements=[_of_return(event, Step.RETURN_REJECTED) for event in events])


@consumes(ReturnReceived, batch=BATCH, from_beginning=True)
def when_return_received_count_it(events: Sequence[ReturnReceived]) -> None:
    """Count the return whose goods, or the first of them, came."""
    services.project(measurements=[_of_return(event, Step.RETURN_RECEIVED) for event in events])


#: Status that an order is held up in, by reason, for events from before they named it.
_STAGES = {
    "stock_overdue": "paid",
    "backorder_overdue": "paid",
    "carrier_overdue": "in_fulfilment",
    "cancellation_overdue": "cancelling",
    "refund_failed": "cancelling",
    "delivery_failed": "shipped",
    "delivery_overdue": "shipped",
}


def _measure(event: Event, step: Step, **facts: Any) -> Measurement:
    return Measurement(
        event_id=event.meta.id, at=event.meta.time, order_id=event.aggregate_id, step=step, **facts
    )


def _of_return(
    event: ReturnRequested | ReturnApproved | ReturnRejected | ReturnReceived, step: Step
) -> Measurement:
    return _measure(event, step, return_id=event.return_id)


def _placed(event: OrderCreated) -> Measurement:
    return _measure(
        event,
        Step.PLACED,
        total=event.total,
        ordered=tuple(map(_ordered, event.lines)),
        number=event.number,
        customer_id=event.customer_id,
    )


def _ordered(line: OrderedLine) -> Ordered:
    revenue = Money.stored(line.quantity * line.unit_price.amount, line.unit_price.currency)
    return Ordered(sku=line.sku, name=line.name, quantity=line.quantity, revenue=revenue)


def _held_up(event: OrderNeedsAttention) -> HeldUp:
    stage = event.stage or _STAGES.get(event.reason, "")
    return HeldUp(event.reason, "paid" if stage == "awaiting_stock" else stage)


def _refunded(event: PaymentRefunded) -> Measurement:
    """Measure a refund; what was only held was never revenue."""
    refunded = None if event.held else event.amount
    return _measure(event, Step.REFUNDED, refunded=refunded, paid_back=not _keeps_money(event))


def _keeps_money(refunded: PaymentRefunded) -> bool:
    return bool(refunded.left and refunded.left.amount)


def _sold(lines: Iterable[StockLine]) -> tuple[Moved, ...]:
    return tuple(Moved(line.sku, sold=line.quantity) for line in lines)


def _restocked(lines: Iterable[StockLine]) -> tuple[Moved, ...]:
    return tuple(Moved(line.sku, restocked=line.quantity) for line in lines)
