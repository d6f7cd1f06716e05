"""What analytics reacts to: everything. Each consumer says what it observes; the projection does the rest."""

from collections.abc import Sequence
from typing import Any

from analytics import services
from analytics.measurements import Moved, Observation, Ordered
from analytics.models import Step
from inventory.events import InventoryRejected, InventoryReleased, InventoryRestocked, InventoryUpdated
from orders.events import (
    OrderCancellationRequested,
    OrderCancelled,
    OrderCreated,
    OrderedLine,
    OrderNeedsAttention,
)
from payments.events import PaymentFailed, PaymentProcessed, PaymentRefunded, PaymentVoided, RefundFailed
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

#: One statement a table, however many events: larger batches are cheaper ones.
BATCH = 500


@consumes(OrderCreated, batch=BATCH)
def when_order_created_count_what_was_ordered(events: Sequence[OrderCreated]) -> None:
    """The order was placed; its lines are wanted."""
    services.project(
        observations=[
            _seen(event, Step.PLACED, total=event.total, ordered=tuple(map(_ordered, event.lines)))
            for event in events
        ]
    )


@consumes(PaymentProcessed, batch=BATCH)
def when_payment_processed_add_revenue(events: Sequence[PaymentProcessed]) -> None:
    """The order is paid."""
    services.project(observations=[_seen(event, Step.PAID, captured=event.amount) for event in events])


@consumes(PaymentFailed, batch=BATCH)
def when_payment_failed_note_it(events: Sequence[PaymentFailed]) -> None:
    """The order could not be paid."""
    services.project(observations=[_seen(event, Step.PAYMENT_FAILED) for event in events])


@consumes(PaymentVoided, batch=BATCH)
def when_payment_voided_note_it(events: Sequence[PaymentVoided]) -> None:
    """Nothing will be charged for the order."""
    services.project(observations=[_seen(event, Step.PAYMENT_VOIDED) for event in events])


@consumes(PaymentRefunded, batch=BATCH)
def when_payment_refunded_add_refund(events: Sequence[PaymentRefunded]) -> None:
    """The money went back."""
    services.project(observations=[_seen(event, Step.REFUNDED, refunded=event.amount) for event in events])


@consumes(RefundFailed, batch=BATCH)
def when_refund_failed_note_it(events: Sequence[RefundFailed]) -> None:
    """The money could not be given back."""
    services.project(observations=[_seen(event, Step.REFUND_FAILED) for event in events])


@consumes(InventoryUpdated, batch=BATCH)
def when_inventory_updated_count_what_was_sold(events: Sequence[InventoryUpdated]) -> None:
    """The order's lines left the stock."""
    services.project(
        observations=[
            _seen(event, Step.STOCKED, moved=tuple(Moved(n.sku, sold=n.quantity) for n in event.lines))
            for event in events
        ]
    )


@consumes(InventoryRejected, batch=BATCH)
def when_inventory_rejected_note_it(events: Sequence[InventoryRejected]) -> None:
    """The stock cannot serve the order."""
    services.project(observations=[_seen(event, Step.OUT_OF_STOCK) for event in events])


@consumes(InventoryRestocked, batch=BATCH)
def when_inventory_restocked_count_what_came_back(events: Sequence[InventoryRestocked]) -> None:
    """The order's lines are back in the stock."""
    services.project(
        observations=[
            _seen(event, Step.RESTOCKED, moved=tuple(Moved(n.sku, restocked=n.quantity) for n in event.lines))
            for event in events
        ]
    )


@consumes(InventoryReleased, batch=BATCH)
def when_inventory_released_note_it(events: Sequence[InventoryReleased]) -> None:
    """Nothing was or will be taken from the stock."""
    services.project(observations=[_seen(event, Step.STOCK_RELEASED) for event in events])


@consumes(OrderShipped, batch=BATCH)
def when_order_shipped_count_it(events: Sequence[OrderShipped]) -> None:
    """The parcel is with the carrier."""
    services.project(observations=[_seen(event, Step.SHIPPED) for event in events])


@consumes(ShipmentFailed, batch=BATCH)
def when_shipment_failed_note_it(events: Sequence[ShipmentFailed]) -> None:
    """The carrier does not take the parcel."""
    services.project(observations=[_seen(event, Step.SHIPMENT_FAILED) for event in events])


@consumes(FulfilmentStopped, batch=BATCH)
def when_fulfilment_stopped_note_it(events: Sequence[FulfilmentStopped]) -> None:
    """The parcel will not leave."""
    services.project(observations=[_seen(event, Step.FULFILMENT_STOPPED) for event in events])


@consumes(CancellationRejected, batch=BATCH)
def when_cancellation_rejected_note_it(events: Sequence[CancellationRejected]) -> None:
    """It was too late to cancel."""
    services.project(observations=[_seen(event, Step.CANCELLATION_REJECTED) for event in events])


@consumes(OrderDelivered, batch=BATCH)
def when_order_delivered_count_it(events: Sequence[OrderDelivered]) -> None:
    """The customer has the parcel."""
    services.project(observations=[_seen(event, Step.DELIVERED) for event in events])


@consumes(DeliveryFailed, batch=BATCH)
def when_delivery_failed_note_it(events: Sequence[DeliveryFailed]) -> None:
    """The parcel could not be delivered."""
    services.project(observations=[_seen(event, Step.DELIVERY_FAILED) for event in events])


@consumes(OrderCancellationRequested, batch=BATCH)
def when_order_cancellation_requested_note_it(events: Sequence[OrderCancellationRequested]) -> None:
    """Somebody wants the order stopped."""
    services.project(observations=[_seen(event, Step.CANCELLATION_REQUESTED) for event in events])


@consumes(OrderCancelled, batch=BATCH)
def when_order_cancelled_count_it(events: Sequence[OrderCancelled]) -> None:
    """The order is off."""
    services.project(observations=[_seen(event, Step.CANCELLED) for event in events])


@consumes(OrderNeedsAttention, batch=BATCH)
def when_order_needs_attention_note_it(events: Sequence[OrderNeedsAttention]) -> None:
    """An operator has to act."""
    services.project(observations=[_seen(event, Step.NEEDS_ATTENTION) for event in events])


def _seen(event: Event, step: Step, **facts: Any) -> Observation:
    return Observation(
        event_id=event.meta.id, at=event.meta.time, order_id=event.aggregate_id, step=step, **facts
    )


def _ordered(line: OrderedLine) -> Ordered:
    revenue = Money(amount=line.quantity * line.unit_price.amount, currency=line.unit_price.currency)
    return Ordered(sku=line.sku, name=line.name, quantity=line.quantity, revenue=revenue)
