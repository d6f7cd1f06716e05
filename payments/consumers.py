"""Consumers of payments."""

from collections.abc import Sequence

from inventory.events import InventoryRejected
from orders.events import (
    CaptureRequested,
    CustomerForgotten,
    OrderCreated,
    PaymentAttemptRequested,
    PaymentMethod,
    RefundRequested,
)
from payments import erasure, services
from payments.events import (
    CaptureDue,
    CaptureFailed,
    CaptureRecovered,
    DisputeClosed,
    PaymentActionRequired,
    PaymentCaptured,
    PaymentCheckDue,
    PaymentDeclined,
    PaymentDisputed,
    PaymentFailed,
    PaymentProcessed,
    PaymentRefunded,
    PaymentStopDue,
    PaymentVoided,
    ProviderNoticeReceived,
    RefundCheckDue,
    RefundFailed,
)
from shipping.events import FulfilmentStopped, OrderShipped, ShipmentFailed
from shop.messaging.consuming import consumes
from shop.privacy.payment_tokens import open_payment_methods

#: Events of a stop. What the customer confirmed before, or the bank refused, is told first.
_STOP = (PaymentVoided, PaymentRefunded, RefundFailed, PaymentProcessed, PaymentFailed)


@consumes(
    OrderCreated,
    emits=(PaymentProcessed, PaymentActionRequired, PaymentDeclined, PaymentFailed, PaymentVoided),
    calls_outside=True,
    batch=100,
)
def when_order_created_charge_customer(events: Sequence[OrderCreated]) -> None:
    """Hold the amounts of new orders."""
    methods = open_payment_methods(events, PaymentMethod)
    services.authorise_payments(bills=list(map(_bill, events, methods)))


def _bill(event: OrderCreated, method: PaymentMethod) -> services.Bill:
    return services.Bill(
        event.order_id, event.number, event.total, method.payment_method, event.retry_payment
    )


@consumes(
    PaymentAttemptRequested,
    emits=(PaymentProcessed, PaymentActionRequired, PaymentDeclined, PaymentFailed, PaymentVoided),
    calls_outside=True,
)
def when_payment_attempt_requested_charge_customer(event: PaymentAttemptRequested) -> None:
    """Hold the amount of an order by other means."""
    (method,) = open_payment_methods([event], PaymentMethod)
    services.attempt_payment(
        order_id=event.order_id, attempt=event.attempt, payment_method=method.payment_method
    )


@consumes(
    PaymentCheckDue,
    emits=(PaymentProcessed, PaymentDeclined, PaymentFailed, PaymentVoided),
    calls_outside=True,
)
def when_payment_check_due_ask_gateway(event: PaymentCheckDue) -> None:
    """Ask whether the customer has confirmed."""
    services.check_payment(order_id=event.order_id)


# --- Captures ----------------------------------------------------------------------------------


@consumes(
    CaptureRequested,
    emits=(PaymentCaptured, CaptureFailed, PaymentVoided),
    calls_outside=True,
    batch=100,
)
def when_capture_requested_capture_payment(events: Sequence[CaptureRequested]) -> None:
    """Take the money of orders that have their stock."""
    services.capture_payments(order_ids=[event.order_id for event in events])


@consumes(
    OrderShipped,
    emits=(PaymentCaptured, CaptureFailed, CaptureRecovered, PaymentVoided),
    calls_outside=True,
    batch=100,
    low_priority=True,
)
def when_order_shipped_capture_payment(events: Sequence[OrderShipped]) -> None:
    """Take the money of orders whose parcel has left, unless it is taken."""
    services.capture_payments(order_ids=[event.order_id for event in events])


@consumes(
    CaptureDue, emits=(PaymentCaptured, CaptureFailed, CaptureRecovered, PaymentVoided), calls_outside=True
)
def when_capture_due_capture_again(event: CaptureDue) -> None:
    """Take the money that could not be taken before."""
    services.capture_payments(order_ids=[event.order_id])


# --- Stops and refunds -------------------------------------------------------------------------


@consumes(InventoryRejected, emits=_STOP, calls_outside=True, batch=100)
def when_inventory_rejected_refund_payment(events: Sequence[InventoryRejected]) -> None:
    """Void the payments of orders that the stock cannot serve, or prevent them."""
    services.stop_payments(reasons={event.order_id: "out_of_stock" for event in events})


@consumes(ShipmentFailed, emits=_STOP, calls_outside=True, batch=100)
def when_shipment_failed_refund_payment(events: Sequence[ShipmentFailed]) -> None:
    """Void or refund the payments of orders whose parcels the carrier refused."""
    services.stop_payments(reasons={event.order_id: "shipment_failed" for event in events})


@consumes(FulfilmentStopped, emits=_STOP, calls_outside=True, batch=100)
def when_fulfilment_stopped_stop_payment(events: Sequence[FulfilmentStopped]) -> None:
    """Void or refund the payments of stopped orders, or prevent them."""
    first_last = reversed(events)  # the first reason of an order stands
    services.stop_payments(reasons={event.order_id: event.reason for event in first_last})


@consumes(PaymentStopDue, emits=_STOP, calls_outside=True)
def when_payment_stop_due_cancel_payment(event: PaymentStopDue) -> None:
    """Void the payment of an order that was stopped while it was being authorised."""
    services.stop_payment(order_id=event.order_id, reason="stopped")


@consumes(RefundRequested, emits=(PaymentRefunded, RefundFailed), calls_outside=True)
def when_refund_requested_give_money_back(event: RefundRequested) -> None:
    """Give back the part of a payment that staff requested."""
    services.refund_part(order_id=event.order_id, refund_id=event.refund_id, amount=event.amount.amount)


@consumes(RefundCheckDue, emits=(PaymentRefunded, RefundFailed), calls_outside=True)
def when_refund_check_due_ask_gateway(event: RefundCheckDue) -> None:
    """Carry on a refund without an outcome."""
    services.check_refund(refund_id=event.refund_id)


@consumes(
    ProviderNoticeReceived,
    emits=(
        PaymentProcessed,
        PaymentActionRequired,
        PaymentDeclined,
        PaymentFailed,
        PaymentVoided,
        PaymentCaptured,
        CaptureFailed,
        CaptureRecovered,
        PaymentRefunded,
        RefundFailed,
        PaymentDisputed,
        DisputeClosed,
    ),
    calls_outside=True,
)
def when_provider_notice_received_ask_gateway(event: ProviderNoticeReceived) -> None:
    """Ask the provider how the payment stands that it has sent word of."""
    services.look_into(notice_id=event.notice_id)


@consumes(CustomerForgotten, calls_outside=True, batch=100)
def when_customer_forgotten_erase_payment(events: Sequence[CustomerForgotten]) -> None:
    """Erase what is personal about payments, in the provider's books too."""
    erasure.erase_payments(order_ids=[event.order_id for event in events])
