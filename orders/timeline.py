"""Timeline of an order, in words for customers."""

import re

from shop.messaging.event_log import TimelineEntry

SUMMARIES = {
    "OrderCreated": "The order was placed",
    "PaymentProcessed": "The payment was confirmed",
    "CaptureRequested": "The payment is due",
    "PaymentCaptured": "The money was taken",
    "CaptureFailed": "The money could not be taken yet; we are looking into it",
    "CaptureRecovered": "The payment is settled",
    "PaymentActionRequired": "The payment has to be confirmed by the customer",
    "PaymentDeclined": "The means of payment was declined",
    "PaymentAttemptRequested": "Another means of payment was chosen",
    "PaymentFailed": "The payment failed",
    "PaymentVoided": "No payment was taken",
    "PaymentRefunded": "The payment was refunded",
    "RefundRequested": "A refund was requested",
    "StockReturned": "Goods came back into the stock",
    "RefundFailed": "The refund did not succeed yet; we are looking into it",
    "InventoryReserved": "The goods were reserved",
    "InventoryAwaited": "The goods have to come in first",
    "InventoryUpdated": "The goods were set aside",
    "InventoryRejected": "The goods are not available",
    "InventoryRestocked": "The goods went back into the stock",
    "InventoryReleased": "No goods were set aside",
    "OrderShipped": "The parcel was handed to the carrier",
    "ShipmentFailed": "The carrier could not take the parcel",
    "OrderCancellationRequested": "The cancellation was requested",
    "CancellationRejected": "The parcel had left already: it could not be cancelled any more",
    "FulfilmentStopped": "The parcel was stopped",
    "OrderDelivered": "The parcel was delivered",
    "DeliveryFailed": "The parcel could not be delivered",
    "OrderCancelled": "The order was cancelled",
    "CustomerForgotten": "The personal data of the order was erased",
    "OrderNeedsAttention": "We are looking into the order",
    "OrderResumed": "The order goes on",
    "OrderResendRequested": "The order is sent again",
    "OrderReshipped": "Another parcel was handed to the carrier",
    "ResendFailed": "The parcel could not be sent again yet; we are looking into it",
    "ReplacementTaken": "Other goods were set aside",
    "ReplacementRejected": "There are no other goods at the moment",
    "OrderSettled": "We closed the order",
    "ReturnRequested": "A return was requested",
    "ReturnApproved": "The return was approved",
    "ReturnRejected": "The return was refused",
    "ReturnReceived": "Goods came back to us",
    "ReturnCancelled": "The return was withdrawn",
    "ReturnExpired": "The return ended: the goods did not come in time",
}
_WORD = re.compile(r"(?<!^)(?=[A-Z])")


def summary_of(entry: TimelineEntry) -> str:
    """Return the event in a sentence; one without a sentence is shown by its name in words."""
    return SUMMARIES.get(entry.name) or _WORD.sub(" ", entry.name).capitalize()


def for_customer(entry: TimelineEntry) -> dict[str, object]:
    """Return the part of an event that a customer may see."""
    return {"type": entry.type, "sequence": entry.sequence, "time": entry.time, "summary": summary_of(entry)}


def for_staff(entry: TimelineEntry) -> dict[str, object]:
    """Return the whole event."""
    return {
        **for_customer(entry),
        "id": entry.id,
        "position": entry.position,
        "correlation_id": entry.correlation_id,
        "causation_id": entry.causation_id,
        "data": entry.data,
    }
