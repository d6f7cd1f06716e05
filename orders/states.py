"""States of an order, and the legal transitions between them."""

from collections import defaultdict

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Status(TextChoices):
    """Status of an order."""

    #: Accepted and not paid yet.
    PLACED = "placed", _("Placed")
    #: The money is held or taken.
    PAID = "paid", _("Paid")
    #: Paid, and goods that can be ordered ahead have to come in first.
    AWAITING_STOCK = "awaiting_stock", _("Awaiting stock")
    #: All lines are taken from the stock; the carrier comes next.
    IN_FULFILMENT = "in_fulfilment", _("In fulfilment")
    #: The parcel is with the carrier: the point of no return.
    SHIPPED = "shipped", _("Shipped")
    #: The customer has the parcel. The end.
    DELIVERED = "delivered", _("Delivered")
    #: Given up; the other contexts undo their parts.
    CANCELLING = "cancelling", _("Being cancelled")
    #: Cancelled, and everything is undone. The end.
    CANCELLED = "cancelled", _("Cancelled")
    #: Ended by an operator, with a reason, because nothing else would have ended it. The end.
    SETTLED = "settled", _("Settled")
    #: Held up: an operator has to act.
    NEEDS_ATTENTION = "needs_attention", _("Needs attention")


class CancelReason(TextChoices):
    """Reason of a cancellation."""

    CUSTOMER = "customer", _("The customer cancelled it")
    OPERATOR = "operator", _("An operator cancelled it")
    PAYMENT_OVERDUE = "payment_overdue", _("It was not paid in time")
    PAYMENT_FAILED = "payment_failed", _("The payment failed")
    OUT_OF_STOCK = "out_of_stock", _("The stock could not serve it")
    SHIPMENT_FAILED = "shipment_failed", _("The carrier did not take it")


class PaymentNeeds(TextChoices):
    """Act of the customer that a payment waits for, in the words of Stripe's PaymentIntents."""

    NOTHING = "", _("Nothing")
    CONFIRMATION = "requires_action", _("Confirm the payment")
    OTHER_MEANS = "requires_payment_method", _("Pay by other means")


class AttentionReason(TextChoices):
    """Reason for attention."""

    STOCK_OVERDUE = "stock_overdue", _("No answer from the stock")
    BACKORDER_OVERDUE = "backorder_overdue", _("The goods did not come in")
    CARRIER_OVERDUE = "carrier_overdue", _("No answer from the carrier")
    CANCELLATION_OVERDUE = "cancellation_overdue", _("The cancellation does not come to an end")
    REFUND_FAILED = "refund_failed", _("The money could not be given back")
    CAPTURE_FAILED = "capture_failed", _("The money that was reserved could not be taken")
    DELIVERY_FAILED = "delivery_failed", _("The carrier could not deliver the parcel")
    DELIVERY_OVERDUE = "delivery_overdue", _("The parcel has not arrived")
    RESEND_FAILED = "resend_failed", _("The parcel could not be sent again")
    BOOKS_DIFFER = "books_differ", _("The books disagree")
    DISPUTED = "disputed", _("The customer's bank disputes the payment")


TERMINAL = (Status.DELIVERED, Status.CANCELLED, Status.SETTLED)
#: Reasons for attention after which nothing comes by itself: to go on waiting would be to wait for ever.
NOTHING_COMES = (
    AttentionReason.REFUND_FAILED,
    AttentionReason.CAPTURE_FAILED,
    AttentionReason.DELIVERY_FAILED,
    AttentionReason.RESEND_FAILED,
)
#: Reasons for attention after which the order can be sent again.
RESENDABLE = (
    AttentionReason.DELIVERY_FAILED,
    AttentionReason.DELIVERY_OVERDUE,
    AttentionReason.RESEND_FAILED,
)
#: Statuses in which the parcel has not left: the order can be given up.
CANCELLABLE = (Status.PLACED, Status.PAID, Status.AWAITING_STOCK, Status.IN_FULFILMENT)

#: Reasons of a cancellation, those that prevail first: a request, before shipping's own stop ("operator") and
#: what befell the order.
PRECEDENCE = (
    CancelReason.CUSTOMER,
    CancelReason.PAYMENT_OVERDUE,
    CancelReason.OPERATOR,
    CancelReason.PAYMENT_FAILED,
    CancelReason.OUT_OF_STOCK,
    CancelReason.SHIPMENT_FAILED,
)

#: Legal transitions. Steps may be skipped, for events may overtake each other; none is taken back.
LEGAL: dict[str, set[Status]] = defaultdict(
    set,
    {
        Status.PLACED: set(Status) - {Status.PLACED, Status.CANCELLED, Status.SETTLED},
        Status.PAID: set(Status) - {Status.PLACED, Status.PAID, Status.CANCELLED, Status.SETTLED},
        Status.AWAITING_STOCK: {
            Status.IN_FULFILMENT,
            Status.SHIPPED,
            Status.DELIVERED,
            Status.CANCELLING,
            Status.NEEDS_ATTENTION,
        },
        Status.IN_FULFILMENT: {Status.SHIPPED, Status.DELIVERED, Status.CANCELLING, Status.NEEDS_ATTENTION},
        Status.SHIPPED: {Status.DELIVERED, Status.NEEDS_ATTENTION},
        Status.DELIVERED: {Status.NEEDS_ATTENTION},  # the money could not be taken
        Status.CANCELLING: {Status.CANCELLED, Status.SHIPPED, Status.DELIVERED, Status.NEEDS_ATTENTION},
        Status.NEEDS_ATTENTION: set(Status) - {Status.PLACED, Status.NEEDS_ATTENTION},
    },
)

#: Rank of a status on the way. An order that is given up is not packed, and a shipped one is not given up.
RANK: dict[str, int] = {
    Status.PLACED: 0,
    Status.PAID: 1,
    Status.AWAITING_STOCK: 2,
    Status.IN_FULFILMENT: 3,
    Status.CANCELLING: 4,
    Status.SHIPPED: 5,
    Status.DELIVERED: 6,
    Status.CANCELLED: 6,
    Status.SETTLED: 6,
}

#: Status that an order is held up in, by reason. Books may differ, payments be disputed and captures fail
#: anywhere on the way: then the order remembers its status.
STAGE_OF_ATTENTION: dict[str, Status] = {
    AttentionReason.STOCK_OVERDUE: Status.PAID,
    AttentionReason.BACKORDER_OVERDUE: Status.AWAITING_STOCK,
    AttentionReason.CARRIER_OVERDUE: Status.IN_FULFILMENT,
    AttentionReason.CANCELLATION_OVERDUE: Status.CANCELLING,
    AttentionReason.REFUND_FAILED: Status.CANCELLING,
    AttentionReason.DELIVERY_FAILED: Status.SHIPPED,
    AttentionReason.DELIVERY_OVERDUE: Status.SHIPPED,
    AttentionReason.RESEND_FAILED: Status.SHIPPED,
}

#: Step that an order in this status waits for, and the setting with its time limit.
DEADLINES: dict[str, tuple[str, str]] = {
    Status.PLACED: ("payment", "SHOP_PAYMENT_DEADLINE"),
    Status.PAID: ("stock", "SHOP_STOCK_DEADLINE"),
    Status.AWAITING_STOCK: ("backorder", "SHOP_BACKORDER_DEADLINE"),
    Status.IN_FULFILMENT: ("carrier", "SHOP_CARRIER_DEADLINE"),
    Status.CANCELLING: ("cancellation", "SHOP_CARRIER_DEADLINE"),
}
