"""Timeline of an order, in words for customers."""

import re

from django.utils.translation import gettext, gettext_noop

from shop.messaging.event_log import TimelineEntry

SUMMARIES = {
    "OrderCreated": gettext_noop("The order was placed"),
    "PaymentProcessed": gettext_noop("The payment was confirmed"),
    "CaptureRequested": gettext_noop("The payment is due"),
    "PaymentCaptured": gettext_noop("The money was taken"),
    "CaptureFailed": gettext_noop("The money could not be taken yet; we are looking into it"),
    "CaptureRecovered": gettext_noop("The payment is settled"),
    "PaymentActionRequired": gettext_noop("The payment has to be confirmed by the customer"),
    "PaymentDeclined": gettext_noop("The means of payment was declined"),
    "PaymentAttemptRequested": gettext_noop("Another means of payment was chosen"),
    "PaymentFailed": gettext_noop("The payment failed"),
    "PaymentVoided": gettext_noop("No payment was taken"),
    "PaymentRefunded": gettext_noop("The payment was refunded"),
    "RefundRequested": gettext_noop("A refund was requested"),
    "StockReturned": gettext_noop("Goods came back into the stock"),
    "RefundFailed": gettext_noop("The refund did not succeed yet; we are looking into it"),
    "InventoryReserved": gettext_noop("The goods were reserved"),
    "InventoryAwaited": gettext_noop("The goods have to come in first"),
    "InventoryUpdated": gettext_noop("The goods were set aside"),
    "InventoryRejected": gettext_noop("The goods are not available"),
    "InventoryRestocked": gettext_noop("The goods went back into the stock"),
    "InventoryReleased": gettext_noop("No goods were set aside"),
    "OrderShipped": gettext_noop("The parcel was handed to the carrier"),
    "ShipmentFailed": gettext_noop("The carrier could not take the parcel"),
    "OrderCancellationRequested": gettext_noop("The cancellation was requested"),
    "CancellationRejected": gettext_noop("The parcel had left already: it could not be cancelled any more"),
    "FulfilmentStopped": gettext_noop("The parcel was stopped"),
    "OrderDelivered": gettext_noop("The parcel was delivered"),
    "DeliveryFailed": gettext_noop("The parcel could not be delivered"),
    "OrderCancelled": gettext_noop("The order was cancelled"),
    "CustomerForgotten": gettext_noop("The personal data of the order was erased"),
    "OrderNeedsAttention": gettext_noop("We are looking into the order"),
    "OrderResumed": gettext_noop("The order goes on"),
    "OrderResendRequested": gettext_noop("The order is sent again"),
    "OrderReshipped": gettext_noop("Another parcel was handed to the carrier"),
    "ResendFailed": gettext_noop("The parcel could not be sent again yet; we are looking into it"),
    "ReplacementTaken": gettext_noop("Other goods were set aside"),
    "ReplacementRejected": gettext_noop("There are no other goods at the moment"),
    "OrderSettled": gettext_noop("We closed the order"),
    "ReturnRequested": gettext_noop("A return was requested"),
    "ReturnApproved": gettext_noop("The return was approved"),
    "ReturnRejected": gettext_noop("The return was refused"),
    "ReturnReceived": gettext_noop("Goods came back to us"),
    "ReturnCancelled": gettext_noop("The return was withdrawn"),
    "ReturnExpired": gettext_noop("The return ended: the goods did not come in time"),
}
_WORD = re.compile(r"(?<!^)(?=[A-Z])")


def summary_of(entry: TimelineEntry) -> str:
    """Return the event in a sentence; one without a sentence is shown by its name in words."""
    summary = SUMMARIES.get(entry.name)
    return gettext(summary) if summary else _WORD.sub(" ", entry.name).capitalize()


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
