"""Consumers of orders: the outcomes of the other contexts move an order's state."""

from collections.abc import Mapping, Sequence
from functools import partial

from inventory.events import (
    InventoryAwaited,
    InventoryRejected,
    InventoryReleased,
    InventoryRestocked,
    InventoryUpdated,
)
from orders import erasure, history, services
from orders.events import (
    CaptureRequested,
    CustomerForgotten,
    ErasureDue,
    OrderCancellationRequested,
    OrderCancelled,
    OrderDeadlinePassed,
    OrderNeedsAttention,
    OrderResumed,
    ReturnArrivalDue,
    ReturnExpired,
)
from orders.models import Order
from orders.payments import outcomes as payments
from orders.refunds import outcomes as refunds
from orders.returns import services as returns
from orders.states import PaymentNeeds
from payments.events import (
    CaptureFailed,
    CaptureRecovered,
    Confirmation,
    DisputeClosed,
    PaymentActionRequired,
    PaymentDeclined,
    PaymentDisputed,
    PaymentFailed,
    PaymentProcessed,
    PaymentRefunded,
    PaymentVoided,
    RefundFailed,
    Refusal,
)
from shipping.events import (
    CancellationRejected,
    DeliveryFailed,
    FulfilmentStopped,
    OrderDelivered,
    OrderShipped,
    ResendFailed,
    ShipmentFailed,
)
from shop.messaging.consuming import consumes
from shop.messaging.contracts import Event
from shop.privacy.sealing import open_sealed

#: Step that each event of another context means to its order: for the consumers below, and for whoever reads
#: an order's history. What an event makes orders decide is an event of their own, which has the step.
STEPS: Mapping[type[Event], history.Step] = {
    PaymentProcessed: history.paid,
    InventoryAwaited: history.stock_awaited,
    InventoryUpdated: history.stock_taken,
    OrderShipped: history.shipped,
    CancellationRejected: history.shipped,
    OrderDelivered: history.delivered,
    PaymentFailed: history.payment_failed,
    InventoryRejected: history.out_of_stock,
    ShipmentFailed: history.shipment_failed,
    PaymentVoided: history.payment_undone,
    InventoryRestocked: history.stock_undone,
    InventoryReleased: history.stock_undone,
    RefundFailed: history.nothing,
    CaptureFailed: history.nothing,
    CaptureRecovered: history.capture_recovered,
    DeliveryFailed: history.nothing,
    ResendFailed: history.nothing,
    PaymentDisputed: history.dispute_opened,
}
#: Steps that depend on what the event says.
READINGS: Mapping[type[Event], history.Reading] = {
    FulfilmentStopped: lambda event: partial(history.stopped, reason=event.reason),
    DisputeClosed: lambda event: partial(history.dispute_closed, won=event.won),
    PaymentActionRequired: lambda event: partial(
        history.payment_needs, attempt=event.attempt, needs=PaymentNeeds.CONFIRMATION
    ),
    PaymentDeclined: lambda event: partial(
        history.payment_needs, attempt=event.attempt, needs=PaymentNeeds.OTHER_MEANS
    ),
    PaymentRefunded: lambda event: history.nothing if _keeps_money(event) else history.payment_undone,
}
history.learn(STEPS, READINGS)


def _keeps_money(refunded: PaymentRefunded) -> bool:
    return bool(refunded.left and refunded.left.amount)


def _record(events: Sequence[Event]) -> list[Order]:
    return services.record_outcomes(steps=[(event.aggregate_id, history.step_of(event)) for event in events])


# --- The way to the customer -------------------------------------------------------------------


@consumes(PaymentProcessed, low_priority=True)
def when_payment_processed_mark_order_paid(events: Sequence[PaymentProcessed]) -> None:
    """Note that the money is held or taken, and wait for the stock."""
    payments.record_paid(_record(events))


@consumes(PaymentActionRequired)
def when_payment_action_required_note_it(events: Sequence[PaymentActionRequired]) -> None:
    """Note that customers have to confirm their payments, and where."""
    payments.record_needs(list(map(_to_confirm, events, open_sealed(events, Confirmation))))


@consumes(PaymentDeclined)
def when_payment_declined_note_it(events: Sequence[PaymentDeclined]) -> None:
    """Note that customers have to pay by other means."""
    payments.record_needs(list(map(_to_pay_by_other_means, events, open_sealed(events, Refusal))))


@consumes(InventoryAwaited, low_priority=True)
def when_inventory_awaited_note_it(events: Sequence[InventoryAwaited]) -> None:
    """Note that a paid order waits for goods to come in."""
    _record(events)


@consumes(InventoryUpdated, emits=(CaptureRequested,), low_priority=True)
def when_inventory_updated_mark_order_in_fulfilment(events: Sequence[InventoryUpdated]) -> None:
    """Note that the stock serves the order, and wait for the carrier."""
    services.record_stock_taken(order_ids=[event.order_id for event in events])


@consumes(OrderShipped, low_priority=True)
def when_order_shipped_mark_it_shipped(events: Sequence[OrderShipped]) -> None:
    """Note that the parcel has left: from here on nothing can be cancelled."""
    _record(events)


@consumes(OrderDelivered, low_priority=True)
def when_order_delivered_complete_it(events: Sequence[OrderDelivered]) -> None:
    """Note that the customer has the parcel: the order is complete."""
    _record(events)


# --- The way back ------------------------------------------------------------------------------


@consumes(PaymentFailed, emits=(OrderCancelled,))
def when_payment_failed_cancel_order(events: Sequence[PaymentFailed]) -> None:
    """Cancel what cannot be paid: nothing has been done for it."""
    _record(events)


@consumes(InventoryRejected, emits=(OrderCancelled,))
def when_inventory_rejected_give_order_up(events: Sequence[InventoryRejected]) -> None:
    """Give up what the stock cannot serve; the refund ends it."""
    _record(events)


@consumes(ShipmentFailed, emits=(OrderCancelled,))
def when_shipment_failed_give_order_up(events: Sequence[ShipmentFailed]) -> None:
    """Give up what the carrier does not take; refund and restocking end it."""
    _record(events)


@consumes(FulfilmentStopped, emits=(OrderCancelled,))
def when_fulfilment_stopped_give_order_up(event: FulfilmentStopped) -> None:
    """Wait for refund and restocking of an order that was stopped."""
    _record([event])


@consumes(CancellationRejected)
def when_cancellation_rejected_mark_order_shipped(events: Sequence[CancellationRejected]) -> None:
    """Take the cancellation back: the parcel has left."""
    _record(events)


@consumes(PaymentVoided, emits=(OrderCancelled,))
def when_payment_voided_note_it(events: Sequence[PaymentVoided]) -> None:
    """Note that nothing is charged, and cancel the order if that was the last thing to undo."""
    _record(events)


@consumes(PaymentRefunded, emits=(OrderCancelled,))
def when_payment_refunded_note_it(events: Sequence[PaymentRefunded]) -> None:
    """Note the money that is back, and cancel the order if that was the last thing to undo."""
    _record(events)
    refunds.record_given_back({event.refund_id: event.amount.amount for event in events})


@consumes(InventoryRestocked, emits=(OrderCancelled,))
def when_inventory_restocked_note_it(events: Sequence[InventoryRestocked]) -> None:
    """Note that the goods are back, and cancel the order if that was the last thing to undo."""
    _record(events)


@consumes(InventoryReleased, emits=(OrderCancelled,))
def when_inventory_released_note_it(events: Sequence[InventoryReleased]) -> None:
    """Note that nothing is taken, and cancel the order if that was the last thing to undo."""
    _record(events)


# --- What needs a person -----------------------------------------------------------------------


@consumes(RefundFailed, emits=(OrderNeedsAttention,))
def when_refund_failed_ask_for_attention(events: Sequence[RefundFailed]) -> None:
    """Have an operator give the money back, if the order waits for it."""
    refunds.record_failures([(event.order_id, event.refund_id, event.code) for event in events])


@consumes(CaptureFailed, emits=(OrderNeedsAttention,))
def when_capture_failed_ask_for_attention(events: Sequence[CaptureFailed]) -> None:
    """Have an operator see to it that the order is paid."""
    services.record_capture_failures(order_ids=[event.order_id for event in events])


@consumes(CaptureRecovered)
def when_capture_recovered_let_order_go_on(events: Sequence[CaptureRecovered]) -> None:
    """Let orders go on whose money could be taken after all."""
    _record(events)


@consumes(DeliveryFailed, emits=(OrderNeedsAttention,))
def when_delivery_failed_ask_for_attention(events: Sequence[DeliveryFailed]) -> None:
    """Have an operator find out what became of the parcel."""
    services.record_delivery_failures(order_ids=[event.order_id for event in events])


@consumes(PaymentDisputed, emits=(OrderNeedsAttention,))
def when_payment_disputed_hold_order(events: Sequence[PaymentDisputed]) -> None:
    """Hold what has not been shipped until the dispute is won, or an operator decides."""
    services.record_disputes(order_ids=[event.order_id for event in events])


@consumes(DisputeClosed, emits=(OrderResumed,))
def when_dispute_closed_let_order_go_on(event: DisputeClosed) -> None:
    """Let an order go on whose dispute is won; one whose dispute is lost waits for an operator."""
    services.end_dispute(order_id=event.order_id, won=event.won)


@consumes(ResendFailed, emits=(OrderNeedsAttention,))
def when_resend_failed_ask_for_attention(events: Sequence[ResendFailed]) -> None:
    """Have an operator find another way to send the order again, or another end."""
    services.record_resend_failures(order_ids=[event.order_id for event in events])


@consumes(OrderDeadlinePassed, emits=(OrderCancellationRequested, OrderNeedsAttention))
def when_order_deadline_passed_cancel_or_ask_for_attention(event: OrderDeadlinePassed) -> None:
    """Cancel what was not paid in time; have an operator look at what got no answer."""
    services.miss_deadline(order_id=event.order_id)


@consumes(ReturnArrivalDue, emits=(ReturnExpired,))
def when_return_arrival_due_end_return(event: ReturnArrivalDue) -> None:
    """End a return whose goods did not come in time."""
    returns.expire_return(order_id=event.order_id, return_id=event.return_id)


# --- What is to be forgotten ---------------------------------------------------------------------


@consumes(ErasureDue, emits=(CustomerForgotten,))
def when_erasure_due_erase_orders(event: ErasureDue) -> None:
    """Erase what is personal about the orders of a customer, and have the other contexts do so."""
    erasure.erase_next(subject_id=event.subject_id, customer_id=event.customer_id, after=event.after)


# --- What events say about payments --------------------------------------------------------------


def _to_confirm(event: PaymentActionRequired, page: Confirmation) -> payments.Outcome:
    return payments.Outcome(
        event.order_id,
        event.attempt,
        PaymentNeeds.CONFIRMATION,
        history.step_of(event),
        confirm_url=page.confirm_url,
    )


def _to_pay_by_other_means(event: PaymentDeclined, words: Refusal) -> payments.Outcome:
    return payments.Outcome(
        event.order_id,
        event.attempt,
        PaymentNeeds.OTHER_MEANS,
        history.step_of(event),
        code=event.code,
        message=words.message,
    )
