"""What must hold for every order, each rule a function of its case that says in a sentence what is wrong.

What an order's own context does in one transaction must hold always; what contexts agree on by events,
once its events are consumed (it is quiet), or once it is shipped or ended as well (it is settled).
"""

from collections.abc import Callable, Iterator

from console.audit.cases import MOVING, SETTLED, SHIPPED, Case
from console.audit.figures import figures
from inventory.events import InventoryRejected, InventoryReleased, InventoryRestocked, InventoryUpdated
from orders.events import OrderCancelled, OrderCreated
from payments.events import PaymentFailed, PaymentProcessed, PaymentRefunded, PaymentVoided
from shipping.events import (
    CancellationRejected,
    FulfilmentStopped,
    OrderDelivered,
    OrderShipped,
    ShipmentFailed,
)
from shop.messaging.contracts import Event

Rule = Callable[[Case], Iterator[str]]

#: What can happen to an order only once.
ONCE: tuple[type[Event], ...] = (
    PaymentProcessed,
    PaymentFailed,
    PaymentVoided,
    InventoryUpdated,
    InventoryRejected,
    InventoryRestocked,
    InventoryReleased,
    OrderShipped,
    ShipmentFailed,
    FulfilmentStopped,
    OrderDelivered,
    OrderCancelled,
)
#: The message that each event is told by.
MESSAGES: dict[type[Event], str] = {
    OrderCreated: "order_received",
    PaymentProcessed: "payment_received",
    PaymentFailed: "payment_failed",
    PaymentRefunded: "refunded",
    OrderShipped: "shipped",
    OrderDelivered: "delivered",
    CancellationRejected: "cancellation_rejected",
    OrderCancelled: "cancelled",
}


def log(case: Case) -> Iterator[str]:
    """An accepted order is in the log once, and nothing happens twice to it."""
    if not case.order:
        yield "was never accepted, though other contexts know of it"
    elif (times := case.says(OrderCreated)) != 1:
        yield f"OrderCreated is in the log {times} ×"
    for event in ONCE:
        if (times := case.says(event)) > 1:
            yield f"{event.__name__} is in the log {times} ×"


def status(case: Case) -> Iterator[str]:
    """An order is in one known status, and its end is the one that the log tells of."""
    if not case.order:
        return
    if case.status not in SETTLED | MOVING | {"needs_attention"}:
        yield f"its status {case.status!r} is none"
    cancelled, delivered = case.says(OrderCancelled), case.says(OrderDelivered)
    if bool(cancelled) != (case.status == "cancelled"):
        yield f"it is {case.status}, and OrderCancelled is in the log {cancelled} ×"
    if case.status == "delivered" and not delivered:
        yield "it is delivered, but nobody published OrderDelivered"
    if case.is_quiet and delivered and case.status != "delivered":
        yield f"it is {case.status}, though OrderDelivered is consumed"


def stock(case: Case) -> Iterator[str]:
    """All lines of an order are taken or none, given back or not, and kept if it is shipped."""
    if not case.stock:
        return
    taken, back = case.stock.deducted, case.stock.restocked
    if case.stock.state == "unknown":
        yield "the stock moved for it, though inventory never heard of it"
    if case.order and taken and taken != case.order.lines:
        yield f"{_lines(taken)} were taken from the stock for {_lines(case.order.lines)}"
    if back and back != taken:
        yield f"{_lines(back)} came back of {_lines(taken)}"
    if bool(taken) != bool(case.says(InventoryUpdated)) or bool(back) != bool(case.says(InventoryRestocked)):
        yield "the stock's movements are not those that the log tells of"
    if case.is_settled and case.status in SHIPPED and (not taken or back):
        yield f"it is {case.status}, but its goods are in the stock"
    if case.is_settled and case.status == "cancelled" and taken != back:
        yield f"it is cancelled, but {_lines(taken)} were taken and {_lines(back)} given back"


def money(case: Case) -> Iterator[str]:
    """The shop keeps the value of what it shipped and nothing else; the provider's books say so too."""
    if len(case.balances) > 1:
        yield f"it has {len(case.balances)} payments"
    for balance in case.balances:
        if not 0 <= balance.refunded <= balance.captured:
            yield f"{balance.refunded:.2f} was refunded of {balance.captured:.2f}"
        if bool(balance.captured) != bool(case.says(PaymentProcessed)):
            yield f"{balance.captured:.2f} was captured, which is not what the log tells"
        if case.is_quiet and case.status not in {"cancelling", "needs_attention"} and not balance.agrees:
            yield (
                f"{balance.captured:.2f} captured and {balance.refunded:.2f} refunded by our books, "
                f"{balance.provider_captured:.2f} and {balance.provider_refunded:.2f} by the provider's"
            )
    due = case.order.total if case.order and case.status in SHIPPED else 0
    if case.is_settled and case.kept != due:
        yield f"it is {case.status}, worth {due:.2f} to the shop, which keeps {case.kept:.2f}"


def parcel(case: Case) -> Iterator[str]:
    """At most one parcel leaves for an order, none for a cancelled one; the carrier's books say so too."""
    left = sum(parcel.has_left for parcel in case.parcels)
    if len(case.parcels) > 1:
        yield f"it has {len(case.parcels)} shipments"
    if left and case.status == "cancelled":
        yield "its parcel has left, though it is cancelled"
    if case.is_quiet and not left and case.status in SHIPPED:
        yield f"it is {case.status}, but no parcel has left"
    if bool(left) != bool(case.says(OrderShipped)):
        yield f"parcels that left: {left}, but OrderShipped is in the log {case.says(OrderShipped)} ×"
    for one in case.parcels:
        if case.is_quiet and case.status not in {"cancelling", "needs_attention"} and not one.agrees:
            yield f"its shipment is {one.state or 'unknown'}, but its label is {one.label or 'unknown'}"


def messages(case: Case) -> Iterator[str]:
    """A customer hears once of each thing that happened, and of nothing else."""
    for kind, states in sorted(case.messages.items()):
        if len(states) > 1:
            yield f"{len(states)} messages {kind}"
    told = {kind for event, kind in MESSAGES.items() if case.says(event)}
    for kind in sorted(case.messages.keys() - told):
        yield f"the message {kind} tells of what did not happen"
    if case.is_quiet and case.order:
        missing = told - case.messages.keys() if case.has_all_messages else ()
        for kind in sorted(missing):
            yield f"the message {kind} is missing"
        for kind, states in sorted(case.messages.items()):
            if waiting := {"queued", "sending"} & set(states):
                yield f"the message {kind} is still {', '.join(sorted(waiting))}"


#: Name -> rule.
RULES: dict[str, Rule] = {
    "log": log,
    "status": status,
    "stock": stock,
    "money": money,
    "parcel": parcel,
    "message": messages,
    "figures": figures,
}


def _lines(lines: dict[str, int]) -> str:
    return ", ".join(f"{quantity} x {sku}" for sku, quantity in sorted(lines.items())) or "nothing"
