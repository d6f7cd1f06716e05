"""Labels for customers: the states and reasons of the contexts in plain words."""

from django.utils.translation import gettext_lazy as _

#: Headline and next step, by status of the order.
STATUS = {
    "placed": (_("Thank you, we have your order"), _("We are arranging the payment.")),
    "paid": (_("Your payment is confirmed"), _("We are setting your goods aside.")),
    "awaiting_stock": (
        _("Your payment is confirmed"),
        _("Some of it has to come in first. We send it then."),
    ),
    "in_fulfilment": (_("We are packing your parcel"), _("The carrier will take it shortly.")),
    "shipped": (_("Your parcel is on its way"), _("You can follow it below.")),
    "delivered": (_("Your parcel has been delivered"), _("Enjoy what is in it!")),
    "cancelling": (_("Your order is being cancelled"), _("If you have paid, the money goes back to you.")),
    "cancelled": (_("Your order was cancelled"), ""),
    "needs_attention": (_("We are looking into your order"), ""),
    "settled": (_("Your order is closed"), _("We have closed it. Write to us if anything is still open.")),
}

#: The same while a payment waits for its customer. The time is that until which we keep the order.
PAYMENT_DUE = {
    "pay": (
        _("Please pay your order"),
        _("You do so on the page of our payment provider. We keep it until {:%H:%M} UTC."),
    ),
    "confirm": (
        _("Please confirm the payment"),
        _("Your bank asks for it. We keep it until {:%H:%M} UTC."),
    ),
    "declined": (
        _("The payment did not succeed"),
        _("Nothing was charged. We keep it until {:%H:%M} UTC."),
    ),
}

#: Explanations of the reasons for a cancellation or for holding up an order.
REASON = {
    "customer": _("You cancelled it."),
    "operator": _("We had to cancel it."),
    "payment_overdue": _("It was not paid in time."),
    "payment_failed": _("The payment did not succeed. Nothing was charged: order again with another card."),
    "out_of_stock": _("Others were faster: we have not enough left of what you ordered."),
    "shipment_failed": _("The carrier does not deliver to this address. Check it, then order again."),
    "stock_overdue": _("We are checking whether your goods are there. You need not do anything."),
    "backorder_overdue": _("Your goods have not come in yet. You can go on waiting, or cancel."),
    "carrier_overdue": _("We are waiting for the carrier. You need not do anything."),
    "cancellation_overdue": _("Cancelling takes longer than it should. You need not do anything."),
    "capture_failed": _("We could not take the payment yet; we will get in touch with you."),
    "refund_failed": _("Your bank did not take the refund; we see to it that you get your money."),
    "books_differ": _("We are checking something about your order. You need not do anything."),
    "disputed": _("Your bank asks about this payment. We go on as soon as that is settled."),
    "delivery_overdue": _("Your parcel should have arrived by now; we are asking the carrier."),
    "delivery_failed": _("The carrier could not deliver your parcel; we will get in touch with you."),
}

#: Labels of EasyPost's tracking statuses.
TRACKING = {
    "pre_transit": _("Handed to the carrier"),
    "in_transit": _("On its way"),
    "out_for_delivery": _("Out for delivery"),
    "available_for_pickup": _("Waiting to be picked up"),
    "delivered": _("Delivered"),
    "return_to_sender": _("On its way back to us"),
    "failure": _("Could not be delivered"),
    "cancelled": _("Stopped"),
}

#: Messages in place of a parcel that has not left, by state of the shipment.
NO_PARCEL_BY_SHIPMENT = {
    "failed": _("The carrier did not take the parcel."),
    "stopped": _("The parcel was stopped before it left."),
}
#: The same by status of the order.
NO_PARCEL_BY_ORDER = {"cancelling": _("We are stopping the parcel."), "cancelled": _("No parcel was sent.")}
#: The same in all other cases.
NO_PARCEL_YET = _("You find the tracking number here once the carrier has the parcel.")

#: What becomes of a return, by its state. The date is the day by which it has to be here.
RETURN = {
    "requested": _("We have your request, and will write to you. Please keep the goods until then."),
    "approved": _(
        "Send it to the sender on your parcel, with the order number. It has to be here by {date}."
    ),
    "rejected": _("We cannot take it back."),
    "received": _("It has arrived."),
    "cancelled": _("You keep it."),
    "expired": _("It did not arrive in time."),
}

#: Notice on a rejected cancellation.
TOO_LATE_NOTICE = _(
    "You wanted to cancel, but the parcel had left already. You can send it back once you have it."
)


def tracking_label(status: str) -> str:
    """Return the label of a tracking status, or the status itself if it is unknown."""
    return str(TRACKING.get(status, "")) or status.replace("_", " ").capitalize()
