"""Ways out of every state: what ends it by itself, and what people can do, rendered as a page.

A state that stands neither here nor among the ends has no way out, which a test refuses.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from inventory.events import (
    InventoryAwaited,
    InventoryRejected,
    InventoryReleased,
    InventoryRestocked,
    InventoryUpdated,
    ReplacementRejected,
    ReplacementTaken,
    StockReceived,
)
from orders.events import (
    CaptureRequested,
    OrderCancellationRequested,
    OrderCreated,
    OrderDeadlinePassed,
    OrderResendRequested,
    OrderSettled,
    PaymentAttemptRequested,
    RefundRequested,
    ReturnArrivalDue,
)
from payments.events import (
    CaptureDue,
    CaptureRecovered,
    DisputeClosed,
    PaymentCheckDue,
    PaymentFailed,
    PaymentProcessed,
    PaymentRefunded,
    PaymentStopDue,
    PaymentVoided,
    RefundCheckDue,
)
from shipping.events import (
    DeliveryFailed,
    FulfilmentStopped,
    OrderDelivered,
    OrderShipped,
    ShipmentFailed,
    StopDue,
    TrackingDue,
)
from shop.messaging.contracts import Event, Reminder


@dataclass(frozen=True)
class Act:
    """Something that people can do about it."""

    name: str
    #: Permission that staff need; empty if the customer alone can do it.
    permission: str
    #: True if the customer can do it, too.
    customer: bool = False

    def __str__(self) -> str:
        if not self.permission:
            return f"{self.name}: the customer"
        who = "the customer, or staff with" if self.customer else "staff with"
        return f"{self.name}: {who} `{self.permission}`"


CANCEL = Act("Cancel", "orders.cancel_order", customer=True)
RESUME = Act("Resume", "orders.resume_order")
SETTLE = Act("Settle", "orders.settle_order")
PAY_AGAIN = Act("Pay by other means", "orders.pay_order", customer=True)
CONFIRM = Act("Confirm at the bank, or refuse", "", customer=True)
SEND_AGAIN = Act("Send again", "orders.resend_order")
REFUND_AND_RESTOCK = Act("Refund, restock and settle", "orders.refund_order")
REFUND_AND_WRITE_OFF = Act("Refund, write off and settle", "orders.refund_order")
#: Acts where a parcel did not arrive.
UNDELIVERED = (SEND_AGAIN, REFUND_AND_RESTOCK, REFUND_AND_WRITE_OFF)
APPROVE_RETURN = Act("Approve", "orders.decide_return")
REFUSE_RETURN = Act("Refuse", "orders.decide_return")
RECEIVE_RETURN = Act("Receive", "orders.receive_return")
WITHDRAW_RETURN = Act("Withdraw", "orders.decide_return", customer=True)
RETRY_REFUND = Act("Retry the refund", "payments.retry_refund")
RETRY_CAPTURE = Act("Retry the capture", "payments.retry_capture")
BOOK_STOCK = Act("Book goods that came in", "inventory.adjust_stock")
GIVEN_BACK = Act("Given back otherwise", "payments.give_back_otherwise")


@dataclass(frozen=True)
class Ways:
    """Ways out of one state of one kind of thing."""

    #: Events and reminders that end it, consumed by the app of the thing.
    events: tuple[type[Event], ...] = ()
    acts: tuple[Act, ...] = ()
    #: Setting of the time after which operators are alerted that it still waits for them; empty for never.
    alerted_after: str = ""


#: Ways out of each state that is no end, by model. An order that needs attention has those of its reason.
TABLE: Mapping[str, Mapping[str, Ways]] = {
    "orders.Order": {
        "placed": Ways((PaymentProcessed, OrderDeadlinePassed), (CANCEL, PAY_AGAIN)),
        "paid": Ways((InventoryUpdated, InventoryAwaited, OrderDeadlinePassed), (CANCEL,)),
        "awaiting_stock": Ways((InventoryUpdated, OrderDeadlinePassed), (CANCEL, BOOK_STOCK)),
        "in_fulfilment": Ways((OrderShipped, ShipmentFailed, OrderDeadlinePassed), (CANCEL,)),
        "shipped": Ways((OrderDelivered, DeliveryFailed)),
        "cancelling": Ways(
            (PaymentVoided, PaymentRefunded, InventoryReleased, InventoryRestocked, OrderDeadlinePassed)
        ),
        "needs_attention: stock_overdue": Ways((InventoryUpdated,), (RESUME, CANCEL)),
        "needs_attention: backorder_overdue": Ways((InventoryUpdated,), (RESUME, CANCEL, BOOK_STOCK)),
        "needs_attention: carrier_overdue": Ways((OrderShipped,), (RESUME, CANCEL)),
        "needs_attention: cancellation_overdue": Ways(
            (PaymentRefunded, InventoryRestocked), (RESUME, SETTLE)
        ),
        "needs_attention: refund_failed": Ways((PaymentRefunded,), (RETRY_REFUND, GIVEN_BACK, SETTLE)),
        "needs_attention: capture_failed": Ways((CaptureRecovered,), (RETRY_CAPTURE, CANCEL, SETTLE)),
        "needs_attention: delivery_failed": Ways((OrderDelivered,), (*UNDELIVERED, SETTLE)),
        "needs_attention: resend_failed": Ways((OrderDelivered,), (*UNDELIVERED, SETTLE)),
        "needs_attention: delivery_overdue": Ways((OrderDelivered,), (*UNDELIVERED, RESUME, SETTLE)),
        "needs_attention: books_differ": Ways((), (RESUME, SETTLE)),
        "needs_attention: disputed": Ways((DisputeClosed,), (RESUME, SETTLE)),
    },
    "orders.Return": {
        "requested": Ways(
            (), (APPROVE_RETURN, REFUSE_RETURN, WITHDRAW_RETURN), alerted_after="SHOP_RETURN_DECISION_DAYS"
        ),
        "approved": Ways((ReturnArrivalDue,), (RECEIVE_RETURN, WITHDRAW_RETURN)),
    },
    "payments.Payment": {
        "processing": Ways((OrderCreated, PaymentAttemptRequested, FulfilmentStopped)),
        "requires_action": Ways((PaymentCheckDue, FulfilmentStopped), (CONFIRM, PAY_AGAIN, CANCEL)),
        "requires_capture": Ways(
            (
                CaptureRequested,
                OrderShipped,
                CaptureDue,
                InventoryRejected,
                ShipmentFailed,
                FulfilmentStopped,
                PaymentStopDue,
            ),
            (RETRY_CAPTURE,),
        ),
    },
    "payments.Refund": {
        "requested": Ways(
            (RefundCheckDue, RefundRequested, FulfilmentStopped, InventoryRejected, ShipmentFailed)
        ),
        "pending": Ways((RefundCheckDue,)),
        "failed": Ways((), (RETRY_REFUND, GIVEN_BACK)),
    },
    "inventory.OrderStock": {
        "remembered": Ways((PaymentProcessed, PaymentFailed, FulfilmentStopped)),
        "reserved": Ways((PaymentProcessed, PaymentFailed, FulfilmentStopped, OrderSettled)),
        "short": Ways((PaymentProcessed, PaymentFailed, FulfilmentStopped, OrderSettled, StockReceived)),
        "awaiting": Ways((FulfilmentStopped, OrderSettled, StockReceived), (BOOK_STOCK,)),
    },
    "shipping.Shipment": {
        "remembered": Ways(
            (InventoryUpdated, OrderCancellationRequested, ReplacementTaken, ReplacementRejected)
        ),
        "booking": Ways((InventoryUpdated, OrderCancellationRequested, StopDue, OrderResendRequested)),
        "shipped": Ways((TrackingDue,)),
    },
}

#: States that nothing has to follow.
ENDS: Mapping[str, frozenset[str]] = {
    "orders.Order": frozenset({"delivered", "cancelled", "settled"}),
    "orders.Return": frozenset({"rejected", "received", "cancelled", "expired"}),
    "payments.Payment": frozenset({"succeeded", "requires_payment_method", "canceled"}),
    "payments.Refund": frozenset({"succeeded"}),
    "inventory.OrderStock": frozenset(
        {
            "deducted",
            "rejected",
            "restocked",
            "released",
        }
    ),
    "shipping.Shipment": frozenset(
        {
            "delivered",
            "returned",
            "lost",
            "failed",
            "stopped",
        }
    ),
}

_PAGE = """\
# Ways out of every state

Rendered by `manage.py ways_out`. Do not edit it: a test fails when it is stale.

A state ends by an event or a reminder that is under way, or by an act of somebody who may do it. Reminders
are in italics. An event that cannot be consumed becomes a dead letter, which operators replay or dismiss.
Random histories are searched for a state that has none of these. What is only remembered for an order, and
nothing was done about, ends with the order. A failed refund of a part is no longer owed once less is left of
the payment, as after a dispute that was lost.
{sections}
"""
_SECTION = """
## {title}

Ends: {ends}.

| State | Ends by itself by | Or by hand |
|---|---|---|
{rows}"""


def page() -> str:
    """Render the page in Markdown."""
    return _PAGE.format(sections="\n".join(map(_section, TABLE)))


def _section(model: str) -> str:
    title = re.sub(r"(?<!^)(?=[A-Z])", " ", model.split(".")[1]).capitalize()
    ends = ", ".join(f"`{state}`" for state in sorted(ENDS[model]))
    return _SECTION.format(title=title, ends=ends, rows="\n".join(_rows(TABLE[model])))


def _rows(states: Mapping[str, Ways]) -> Iterator[str]:
    for state, ways in states.items():
        alert = [f"operators are alerted after `{ways.alerted_after}`"] if ways.alerted_after else []
        acts = "<br>".join([*map(str, ways.acts), *alert])
        yield f"| `{state}` | {', '.join(map(_shown, ways.events))} | {acts} |"


def _shown(event: type[Event]) -> str:
    return f"*{event.__name__}*" if issubclass(event, Reminder) else f"`{event.__name__}`"
