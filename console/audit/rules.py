"""Invariants of an order: each rule is a function of a case that yields a message for each violation.

Invariants within one transaction hold always. Those between contexts, which agree by events, hold once all
events of the order are consumed (``is_caught_up``), or once it is shipped or ended (``must_balance``).
"""

from collections import Counter
from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import partial

from console.audit.cases import BALANCED, IN_PROGRESS, SHIPPED, Case
from console.audit.figures import figures
from inventory.events import (
    InventoryAwaited,
    InventoryRejected,
    InventoryReleased,
    InventoryReserved,
    InventoryRestocked,
    InventoryUpdated,
    StockReturned,
)
from orders.events import (
    OrderCancelled,
    OrderCreated,
    OrderResendRequested,
    OrderSettled,
    PaymentAttemptRequested,
    ReturnApproved,
    ReturnCancelled,
    ReturnExpired,
    ReturnReceived,
    ReturnRejected,
    ReturnRequested,
)
from payments.events import (
    CaptureFailed,
    PaymentActionRequired,
    PaymentCaptured,
    PaymentDeclined,
    PaymentFailed,
    PaymentProcessed,
    PaymentRefunded,
    PaymentVoided,
)
from payments.queries import Balance
from shipping.events import (
    CancellationRejected,
    DeliveryFailed,
    FulfilmentStopped,
    OrderDelivered,
    OrderReshipped,
    OrderShipped,
    ShipmentFailed,
)
from shop.currencies import as_text
from shop.messaging.contracts import Event

#: State of a refund in orders -> its states in payments. A failed one may have been retried.
REFUND_STATES = {
    "requested": {"requested", "pending"},
    "succeeded": {"succeeded"},
    "failed": {"failed", "requested", "pending"},
}
Rule = Callable[[Case], Iterator[str]]

#: Events that occur at most once per order.
UNIQUE_EVENTS: tuple[type[Event], ...] = (
    PaymentProcessed,
    PaymentCaptured,
    PaymentFailed,
    PaymentVoided,
    InventoryReserved,
    InventoryAwaited,
    InventoryUpdated,
    InventoryRejected,
    InventoryRestocked,
    InventoryReleased,
    OrderShipped,
    ShipmentFailed,
    FulfilmentStopped,
    OrderDelivered,
    OrderCancelled,
    OrderSettled,
)
#: States of a parcel that the carrier has given up.
GIVEN_UP = frozenset({"returned", "lost"})
#: Kind of the message that tells the customer of each event.
MESSAGES: dict[type[Event], str] = {
    OrderCreated: "order_received",
    PaymentProcessed: "payment_received",
    PaymentActionRequired: "payment_action_required",
    PaymentDeclined: "payment_declined",
    PaymentFailed: "payment_failed",
    InventoryAwaited: "awaiting_stock",
    PaymentRefunded: "refunded",
    OrderShipped: "shipped",
    OrderReshipped: "shipped_again",
    OrderDelivered: "delivered",
    CancellationRejected: "cancellation_rejected",
    OrderCancelled: "cancelled",
    ReturnRequested: "return_requested",
    ReturnApproved: "return_approved",
    ReturnRejected: "return_rejected",
    ReturnReceived: "return_received",
    ReturnCancelled: "return_cancelled",
    ReturnExpired: "return_expired",
}
#: Kinds of messages of which an order has one for each event.
ONE_EACH = frozenset(
    kind
    for kind in MESSAGES.values()
    if kind.startswith("return_") or kind in {"payment_action_required", "payment_declined"}
)
#: Kinds of which it may have several. Of these two there was one for all events before.
SEVERAL = ONE_EACH | {"refunded", "shipped_again"}


def log(case: Case) -> Iterator[str]:
    """Check that the log has an accepted order once and none of its unique events twice."""
    if not case.order:
        yield "was never accepted, though other contexts know of it"
    elif (times := case.count(OrderCreated)) != 1:
        yield f"OrderCreated is in the log {times} ×"
    for event in UNIQUE_EVENTS:
        if (times := case.count(event)) > 1:
            yield f"{event.__name__} is in the log {times} ×"


def attempts(case: Case) -> Iterator[str]:
    """Check that no attempt to pay was made that nobody asked for, and none after a final word."""
    asked = 1 + case.count(PaymentAttemptRequested)
    for event in (PaymentDeclined, PaymentActionRequired):
        if (times := case.count(event)) > asked:
            yield f"{event.__name__} is in the log {times} × for {asked} attempts to pay"
    if case.count(PaymentFailed) and case.count(PaymentProcessed):
        yield "its payment failed, and was processed all the same"


def history(case: Case) -> Iterator[str]:
    """Check that the stored order is what the events that orders has consumed make of it."""
    yield from case.differences


def status(case: Case) -> Iterator[str]:
    """Check that the status is known and agrees with the final event in the log."""
    if not case.order:
        return
    if case.status not in BALANCED | IN_PROGRESS | {"needs_attention", "settled"}:
        yield f"its status {case.status!r} is none"
    cancelled, delivered = case.count(OrderCancelled), case.count(OrderDelivered)
    if bool(cancelled) != (case.status == "cancelled"):
        yield f"it is {case.status}, and OrderCancelled is in the log {cancelled} ×"
    settled = case.count(OrderSettled)
    if bool(settled) != (case.status == "settled"):
        yield f"it is {case.status}, and OrderSettled is in the log {settled} ×"
    if case.status == "delivered" and not delivered:
        yield "it is delivered, but nobody published OrderDelivered"
    ends = {"delivered", "settled", "needs_attention" if case.count(CaptureFailed) else ""}
    if case.is_caught_up and delivered and case.status not in ends:
        yield f"it is {case.status}, though OrderDelivered is consumed"


def stock(case: Case) -> Iterator[str]:
    """Check that all lines are deducted or none, restocked or none, and deducted if the order is shipped."""
    if not case.stock:
        return
    taken, back = case.stock.deducted, case.stock.restocked
    if case.stock.state == "unknown":
        yield "the stock moved for it, though inventory never heard of it"
    if case.order and taken and taken != case.order.lines:
        yield f"{_lines(taken)} were taken from the stock for {_lines(case.order.lines)}"
    if any(quantity > taken.get(sku, 0) for sku, quantity in case.stock.returned.items()):
        yield f"{_lines(case.stock.returned)} came back after {_lines(taken)} had left"
    if bool(case.stock.returned) != bool(case.count(StockReturned)):
        yield "what came back to the stock is not what the log tells of"
    if back and back != taken:
        yield f"{_lines(back)} came back of {_lines(taken)}"
    logged = (case.count(InventoryUpdated) > 0, case.count(InventoryRestocked) > 0)
    if (bool(taken), bool(back)) != logged:
        yield "the stock's movements are not those that the log tells of"
    is_held = case.count(InventoryReserved) > case.count(InventoryUpdated) + case.count(InventoryReleased)
    if is_held != (case.stock.state == "reserved"):
        yield f"its stock is {case.stock.state}, which is not what the log tells"
    if (
        case.stock.state in {"short", "awaiting"}
        and case.is_caught_up
        and case.status in BALANCED | {"settled"}
    ):
        yield f"it is {case.status}, but still waits for {_lines(case.stock.wanted)}"
    if case.stock.state == "reserved" and case.is_caught_up and case.status in BALANCED | {"settled"}:
        yield f"it is {case.status}, but {_lines(case.stock.wanted)} are still reserved for it"
    if case.must_balance and case.status in SHIPPED and (not taken or back):
        yield f"it is {case.status}, but its goods are in the stock"
    if case.must_balance and case.status == "cancelled" and taken != back:
        yield f"it is cancelled, but {_lines(taken)} were taken and {_lines(back)} given back"


def money(case: Case) -> Iterator[str]:
    """Check that the shop keeps exactly the value of shipped goods, also by the provider's books."""
    text = partial(as_text, currency=case.order.currency if case.order else "")
    if len(case.balances) > 1:
        yield f"it has {len(case.balances)} payments"
    for balance in case.balances:
        if not 0 <= balance.refunded <= balance.captured:
            yield f"{text(balance.refunded)} was refunded of {text(balance.captured)}"
        yield from map("{}, which is not what the log tells".format, _unlogged_money(case, balance))
        if (
            case.is_caught_up
            and case.status not in {"cancelling", "needs_attention"}
            and not _awaits_customer(case)
            and not balance.agrees
        ):
            yield (
                f"{text(balance.held)} held, {text(balance.captured)} captured and {text(balance.refunded)} "
                f"refunded by our books, {text(balance.provider_held)}, {text(balance.provider_captured)} "
                f"and {text(balance.provider_refunded)} by the provider's"
            )
    if case.must_balance and case.kept != case.worth:
        yield f"it is {case.status}, worth {text(case.worth)} to the shop, which keeps {text(case.kept)}"


def _awaits_customer(case: Case) -> bool:
    """Tell whether the customer may have confirmed the payment, and the provider has not said so yet."""
    return case.status == "placed" and bool(case.count(PaymentActionRequired))


def refunds(case: Case) -> Iterator[str]:
    """Check that orders, payments and stock agree on the refunds that staff requested."""
    text = partial(as_text, currency=case.order.currency if case.order else "")
    wanted = sum((r.amount for r in case.requested if r.state != "failed" and not r.cancels), Decimal(0))
    if case.order and wanted > case.order.total:
        yield f"refunds of {text(wanted)} were requested of {text(case.order.total)}"
    if not case.is_caught_up:
        return
    requests = {request.id: request for request in case.requested if not request.cancels}
    for refund_id in case.parts.keys() - requests.keys():
        yield f"payments give back {text(case.parts[refund_id][1])} that nobody requested"
    for request in requests.values():
        state, amount = case.parts.get(request.id, ("unknown", Decimal(0)))
        if state not in REFUND_STATES[request.state]:
            yield f"its refund of {text(request.amount)} is {request.state}, and in payments {state}"
        elif request.state == "succeeded" and amount != request.amount:
            yield f"{text(amount)} were given back where orders has {text(request.amount)}"
    expected: Counter[str] = Counter()
    for restocked in (
        *(request.restocked for request in requests.values()),
        *(found.restocked for found in case.returns),
    ):
        expected.update(restocked)
    returned = case.stock.returned if case.stock else {}
    if expected != Counter(returned):
        yield f"{_lines(returned)} came back to the stock for {_lines(expected)}"


def returns(case: Case) -> Iterator[str]:
    """Check that no more comes back than was ordered and approved, and that the money follows."""
    taken: Counter[str] = Counter()
    for source in (*(found.taken for found in case.returns), *(one.lines for one in case.requested)):
        taken.update(source)
    ordered = case.order.lines if case.order else {}
    if any(quantity > ordered.get(sku, 0) for sku, quantity in taken.items()):
        yield f"{_lines(taken)} are returned or refunded of {_lines(ordered)}"
    requested = {request.id: request.amount for request in case.requested}
    for found in case.returns:
        if any(quantity > found.approved.get(sku, 0) for sku, quantity in found.received.items()):
            yield f"{_lines(found.received)} came back of {_lines(found.approved)}"
        if found.in_receipts != found.received:
            yield f"{_lines(found.received)} came back, and {_lines(found.in_receipts)} by the receipts"
        if not found.refunds.items() <= requested.items():
            yield "a receipt of a return names a refund that was not requested"
    if (received := sum(found.receipts for found in case.returns)) != case.count(ReturnReceived):
        yield f"goods came back {received} ×, and by the log {case.count(ReturnReceived)} ×"


def _unlogged_money(case: Case, balance: Balance) -> Iterator[str]:
    """Yield what is held or captured without its event, and the other way round."""
    text = partial(as_text, currency=case.order.currency if case.order else "")
    if case.order and not case.order.total:
        return
    is_paid = bool(case.count(PaymentProcessed))
    if not is_paid and (balance.captured or balance.held):
        yield f"{text(balance.captured)} was captured and {text(balance.held)} held"
    if case.count(PaymentCaptured) and not balance.captured:
        yield f"{text(balance.captured)} was captured"
    is_undone = case.count(PaymentVoided) or case.count(CaptureFailed)
    if is_paid and not is_undone and not balance.captured and not balance.held:
        yield "nothing is captured or held"
    if case.count(PaymentVoided) and (balance.captured or balance.held):
        yield f"{text(balance.captured)} was captured and {text(balance.held)} held after the void"


def parcel(case: Case) -> Iterator[str]:
    """Check that no parcel leaves unasked, none of a cancelled order, also by the carrier's books."""
    left = sum(parcel.has_left for parcel in case.parcels)
    if len(case.parcels) > 1 + case.count(OrderResendRequested):
        yield f"it has {len(case.parcels)} shipments"
    if left and case.status == "cancelled":
        yield "its parcel has left, though it is cancelled"
    if case.is_caught_up and not left and case.status in SHIPPED:
        yield f"it is {case.status}, but no parcel has left"
    if bool(left) != bool(case.count(OrderShipped)):
        yield f"parcels that left: {left}, but OrderShipped is in the log {case.count(OrderShipped)} ×"
    for shipment in case.parcels:
        if (
            case.is_caught_up
            and case.status not in {"cancelling", "needs_attention", "settled"}
            and not shipment.agrees
        ):
            state, label = shipment.state or "unknown", shipment.label or "unknown"
            yield f"its shipment is {state}, but its label is {label}"
        if shipment.labels > 1:
            yield f"one booking of it has {shipment.labels} labels at the carrier"


def delivery(case: Case) -> Iterator[str]:
    """Check that no order waits for a parcel that the carrier has given up."""
    is_given_up = any(parcel.is_latest and parcel.state in GIVEN_UP for parcel in case.parcels)
    if case.is_caught_up and case.status == "shipped" and is_given_up and case.count(DeliveryFailed):
        yield "it is shipped, but the carrier could not deliver its parcel"


def messages(case: Case) -> Iterator[str]:
    """Check that the customer gets one message for each event, and no other."""
    events = {kind: case.count(event) for event, kind in MESSAGES.items()}
    for kind, states in sorted(case.messages.items()):
        if len(states) > (max(1, events[kind]) if kind in SEVERAL else 1):
            yield f"{len(states)} messages {kind}"
    expected = {kind for kind, times in events.items() if times}
    for kind in sorted(case.messages.keys() - expected):
        yield f"the message {kind} tells of what did not happen"
    if case.is_caught_up and case.order:
        missing = expected - case.messages.keys() if case.has_all_messages else ()
        for kind in sorted(missing):
            yield f"the message {kind} is missing"
        for kind in sorted(ONE_EACH & case.messages.keys() if case.has_all_messages else ()):
            if len(case.messages[kind]) < events[kind]:
                yield f"{len(case.messages[kind])} messages {kind} for {events[kind]} events"
        for kind, states in sorted(case.messages.items()):
            if waiting := {"queued", "sending"} & set(states):
                yield f"the message {kind} is still {', '.join(sorted(waiting))}"


#: Rules by name.
RULES: dict[str, Rule] = {
    "log": log,
    "attempts": attempts,
    "history": history,
    "status": status,
    "stock": stock,
    "money": money,
    "refunds": refunds,
    "returns": returns,
    "parcel": parcel,
    "delivery": delivery,
    "message": messages,
    "figures": figures,
}


def _lines(lines: dict[str, int]) -> str:
    return ", ".join(f"{quantity} x {sku}" for sku, quantity in sorted(lines.items())) or "nothing"
