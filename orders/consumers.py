"""Consumers of orders: the outcomes of the other contexts move an order's state."""

from collections.abc import Sequence

from inventory.events import (
    InventoryRejected,
    InventoryReleased,
    InventoryRestocked,
    InventoryUpdated,
)
from orders import erasure, services
from orders.events import (
    CustomerForgotten,
    ErasureDue,
    OrderCancellationRequested,
    OrderCancelled,
    OrderDeadlinePassed,
    OrderNeedsAttention,
)
from payments.events import (
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

# --- The way to the customer -------------------------------------------------------------------


@consumes(PaymentProcessed, low_priority=True)
def when_payment_processed_mark_order_paid(events: Sequence[PaymentProcessed]) -> None:
    """Note that the customer has paid, and wait for the stock."""
    services.record_payments(order_ids=[event.order_id for event in events])


@consumes(InventoryUpdated, low_priority=True)
def when_inventory_updated_mark_order_in_fulfilment(events: Sequence[InventoryUpdated]) -> None:
    """Note that the stock serves the order, and wait for the carrier."""
    services.record_deductions(order_ids=[event.order_id for event in events])


@consumes(OrderShipped, low_priority=True)
def when_order_shipped_mark_it_shipped(events: Sequence[OrderShipped]) -> None:
    """Note that the parcel has left: from here on nothing can be cancelled."""
    services.record_shipments(order_ids=[event.order_id for event in events])


@consumes(OrderDelivered, low_priority=True)
def when_order_delivered_complete_it(events: Sequence[OrderDelivered]) -> None:
    """Note that the customer has the parcel: the order is complete."""
    services.record_deliveries(order_ids=[event.order_id for event in events])


# --- The way back ------------------------------------------------------------------------------


@consumes(PaymentFailed, emits=(OrderCancelled,))
def when_payment_failed_cancel_order(events: Sequence[PaymentFailed]) -> None:
    """Cancel what cannot be paid: nothing has been done for it."""
    services.record_payment_failures(order_ids=[event.order_id for event in events])


@consumes(InventoryRejected, emits=(OrderCancelled,))
def when_inventory_rejected_give_order_up(events: Sequence[InventoryRejected]) -> None:
    """Give up what the stock cannot serve; the refund ends it."""
    services.record_rejections(order_ids=[event.order_id for event in events])


@consumes(ShipmentFailed, emits=(OrderCancelled,))
def when_shipment_failed_give_order_up(events: Sequence[ShipmentFailed]) -> None:
    """Give up what the carrier does not take; refund and restocking end it."""
    services.record_shipment_failures(order_ids=[event.order_id for event in events])


@consumes(FulfilmentStopped, emits=(OrderCancelled,))
def when_fulfilment_stopped_give_order_up(event: FulfilmentStopped) -> None:
    """Wait for refund and restocking of an order that was stopped."""
    services.record_stop(order_id=event.order_id, reason=event.reason)


@consumes(CancellationRejected)
def when_cancellation_rejected_mark_order_shipped(events: Sequence[CancellationRejected]) -> None:
    """Take the cancellation back: the parcel has left."""
    services.record_shipments(order_ids=[event.order_id for event in events])


@consumes(PaymentVoided, emits=(OrderCancelled,))
def when_payment_voided_note_it(events: Sequence[PaymentVoided]) -> None:
    """Note that nothing is charged, and cancel the order if that was the last thing to undo."""
    services.record_undone_payments(order_ids=[event.order_id for event in events])


@consumes(PaymentRefunded, emits=(OrderCancelled,))
def when_payment_refunded_note_it(events: Sequence[PaymentRefunded]) -> None:
    """Note that all the money is back, and cancel the order if that was the last thing to undo."""
    services.record_undone_payments(
        order_ids=[event.order_id for event in events if not event.left or not event.left.amount]
    )


@consumes(InventoryRestocked, emits=(OrderCancelled,))
def when_inventory_restocked_note_it(events: Sequence[InventoryRestocked]) -> None:
    """Note that the goods are back, and cancel the order if that was the last thing to undo."""
    services.record_undone_stock(order_ids=[event.order_id for event in events])


@consumes(InventoryReleased, emits=(OrderCancelled,))
def when_inventory_released_note_it(events: Sequence[InventoryReleased]) -> None:
    """Note that nothing is taken, and cancel the order if that was the last thing to undo."""
    services.record_undone_stock(order_ids=[event.order_id for event in events])


# --- What needs a person -----------------------------------------------------------------------


@consumes(RefundFailed, emits=(OrderNeedsAttention,))
def when_refund_failed_ask_for_attention(events: Sequence[RefundFailed]) -> None:
    """Have an operator give the money back."""
    services.record_refund_failures(order_ids=[event.order_id for event in events])


@consumes(DeliveryFailed, emits=(OrderNeedsAttention,))
def when_delivery_failed_ask_for_attention(events: Sequence[DeliveryFailed]) -> None:
    """Have an operator find out what became of the parcel."""
    services.record_delivery_failures(order_ids=[event.order_id for event in events])


@consumes(OrderDeadlinePassed, emits=(OrderCancellationRequested, OrderNeedsAttention))
def when_order_deadline_passed_cancel_or_ask_for_attention(event: OrderDeadlinePassed) -> None:
    """Cancel what was not paid in time; have an operator look at what got no answer."""
    services.miss_deadline(order_id=event.order_id)


# --- What is to be forgotten ---------------------------------------------------------------------


@consumes(ErasureDue, emits=(CustomerForgotten,))
def when_erasure_due_erase_orders(event: ErasureDue) -> None:
    """Erase what is personal about the orders of a customer, and have the other contexts do so."""
    erasure.erase_next(subject_id=event.subject_id, customer_id=event.customer_id, after=event.after)
