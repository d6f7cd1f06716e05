"""What customers read about their orders: plain words for the contexts' states and reasons."""

#: Status -> headline, and what happens next.
STATUS = {
    "placed": ("Thank you, we have your order", "We are taking the payment."),
    "paid": ("Your payment has arrived", "We are setting your goods aside."),
    "in_fulfilment": ("We are packing your parcel", "The carrier will take it shortly."),
    "shipped": ("Your parcel is on its way", "You can follow it below."),
    "delivered": ("Your parcel has been delivered", "Enjoy what is in it!"),
    "cancelling": ("Your order is being cancelled", "If you have paid, the money goes back to you."),
    "cancelled": ("Your order was cancelled", ""),
    "needs_attention": ("We are looking into your order", ""),
}

#: Why an order was given up, or is held up.
REASON = {
    "customer": "You cancelled it.",
    "operator": "We had to cancel it.",
    "payment_overdue": "It was not paid in time.",
    "payment_failed": "The payment did not succeed. Nothing was charged: order again with another card.",
    "out_of_stock": "Others were faster: we have not enough left of what you ordered.",
    "shipment_failed": "The carrier does not deliver to this address. Check it, then order again.",
    "stock_overdue": "We are checking whether your goods are there. You need not do anything.",
    "carrier_overdue": "We are waiting for the carrier. You need not do anything.",
    "cancellation_overdue": "Cancelling takes longer than it should. You need not do anything.",
    "refund_failed": "Your bank did not take the refund; we see to it that you get your money.",
    "books_differ": "We are checking something about your order. You need not do anything.",
    "delivery_failed": "The carrier could not deliver your parcel; we will get in touch with you.",
}

#: Where a parcel is, from EasyPost's words.
TRACKING = {
    "pre_transit": "Handed to the carrier",
    "in_transit": "On its way",
    "out_for_delivery": "Out for delivery",
    "available_for_pickup": "Waiting to be picked up",
    "delivered": "Delivered",
    "return_to_sender": "On its way back to us",
    "failure": "Could not be delivered",
    "cancelled": "Stopped",
}

#: What became of a parcel that has not left, by the state of its shipment; or else by that of the order.
NO_PARCEL = {
    "failed": "The carrier did not take the parcel.",
    "stopped": "The parcel was stopped before it left.",
}
NO_PARCEL_NOW = {"cancelling": "We are stopping the parcel.", "cancelled": "No parcel was sent."}
NO_PARCEL_YET = "You find the tracking number here once the carrier has the parcel."

TOO_LATE_NOTICE = (
    "You wanted to cancel, but the parcel had left already. You can send it back once you have it."
)


def tracking_words(status: str) -> str:
    """Where a parcel is, in words; a word that nobody explained is shown as it is."""
    return TRACKING.get(status) or status.replace("_", " ").capitalize()
