"""Labels for customers: the states and reasons of the contexts in plain words."""

#: Headline and next step, by status of the order.
STATUS = {
    "placed": ("Thank you, we have your order", "We are arranging the payment."),
    "paid": ("Your payment is confirmed", "We are setting your goods aside."),
    "awaiting_stock": ("Your payment is confirmed", "Some of it has to come in first. We send it then."),
    "in_fulfilment": ("We are packing your parcel", "The carrier will take it shortly."),
    "shipped": ("Your parcel is on its way", "You can follow it below."),
    "delivered": ("Your parcel has been delivered", "Enjoy what is in it!"),
    "cancelling": ("Your order is being cancelled", "If you have paid, the money goes back to you."),
    "cancelled": ("Your order was cancelled", ""),
    "needs_attention": ("We are looking into your order", ""),
    "settled": ("Your order is closed", "We have closed it. Write to us if anything is still open."),
}

#: The same while a payment waits for its customer. The time is that until which we keep the order.
PAYMENT_DUE = {
    "pay": (
        "Please pay your order",
        "You do so on the page of our payment provider. We keep it until {:%H:%M} UTC.",
    ),
    "confirm": (
        "Please confirm the payment",
        "Your bank asks for it. We keep it until {:%H:%M} UTC.",
    ),
    "declined": (
        "The payment did not succeed",
        "Nothing was charged. We keep it until {:%H:%M} UTC.",
    ),
}

#: Explanations of the reasons for a cancellation or for holding up an order.
REASON = {
    "customer": "You cancelled it.",
    "operator": "We had to cancel it.",
    "payment_overdue": "It was not paid in time.",
    "payment_failed": "The payment did not succeed. Nothing was charged: order again with another card.",
    "out_of_stock": "Others were faster: we have not enough left of what you ordered.",
    "shipment_failed": "The carrier does not deliver to this address. Check it, then order again.",
    "stock_overdue": "We are checking whether your goods are there. You need not do anything.",
    "backorder_overdue": "Your goods have not come in yet. You can go on waiting, or cancel.",
    "carrier_overdue": "We are waiting for the carrier. You need not do anything.",
    "cancellation_overdue": "Cancelling takes longer than it should. You need not do anything.",
    "capture_failed": "We could not take the payment yet; we will get in touch with you.",
    "refund_failed": "Your bank did not take the refund; we see to it that you get your money.",
    "books_differ": "We are checking something about your order. You need not do anything.",
    "disputed": "Your bank asks about this payment. We go on as soon as that is settled.",
    "delivery_overdue": "Your parcel should have arrived by now; we are asking the carrier.",
    "delivery_failed": "The carrier could not deliver your parcel; we will get in touch with you.",
}

#: Labels of EasyPost's tracking statuses.
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

#: Messages in place of a parcel that has not left, by state of the shipment.
NO_PARCEL_BY_SHIPMENT = {
    "failed": "The carrier did not take the parcel.",
    "stopped": "The parcel was stopped before it left.",
}
#: The same by status of the order.
NO_PARCEL_BY_ORDER = {"cancelling": "We are stopping the parcel.", "cancelled": "No parcel was sent."}
#: The same in all other cases.
NO_PARCEL_YET = "You find the tracking number here once the carrier has the parcel."

#: What becomes of a return, by its state. The date is the day by which it has to be here.
RETURN = {
    "requested": "We have your request, and will write to you. Please keep the goods until then.",
    "approved": "Send it to the sender on your parcel, with the order number. It has to be here by {date}.",
    "rejected": "We cannot take it back.",
    "received": "It has arrived.",
    "cancelled": "You keep it.",
    "expired": "It did not arrive in time.",
}

#: Notice on a rejected cancellation.
TOO_LATE_NOTICE = (
    "You wanted to cancel, but the parcel had left already. You can send it back once you have it."
)


def tracking_label(status: str) -> str:
    """Return the label of a tracking status, or the status itself if it is unknown."""
    return TRACKING.get(status) or status.replace("_", " ").capitalize()
