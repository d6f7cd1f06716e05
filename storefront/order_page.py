"""An order's page as data: what the contexts say became of the order, in customers' words."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from inventory import queries as inventory
from orders import queries as orders
from orders.queries import Details, Happening
from payments import queries as payments
from payments.queries import PaymentInfo, RefundInfo
from shipping import queries as shipping
from shipping.queries import ShipmentInfo
from storefront import labels
from storefront.test_cards import card_name

#: The way of an order: status, what the step is called, the event that completes it.
WAY = (
    ("placed", "Placed", "OrderCreated"),
    ("paid", "Paid", "PaymentProcessed"),
    ("in_fulfilment", "In fulfilment", "InventoryUpdated"),
    ("shipped", "Shipped", "OrderShipped"),
    ("delivered", "Delivered", "OrderDelivered"),
)
#: Where an order is that has left the way: what the step is called, and how it looks.
OFF_THE_WAY = {
    "cancelling": ("Being cancelled", "now"),
    "cancelled": ("Cancelled", "stopped"),
    "needs_attention": ("Needs attention", "held"),
}
#: Milliseconds between two looks at an order that moves, and at one that waits for a person.
MOVING, WAITING = 1_000, 15_000


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the order's way."""

    label: str
    #: ``done``, ``now``, ``todo``, ``stopped`` or ``held``.
    state: str
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Fact:
    """Something to know, and how it looks: ``good``, ``bad``, ``busy`` or empty."""

    text: str
    tone: str = ""


@dataclass(frozen=True, slots=True)
class OrderPage:
    """All that the page of an order shows."""

    order: Details
    headline: str
    explanation: str
    #: What else to tell beside the headline; mostly empty.
    notice: str
    steps: list[Step]
    money: list[Fact]
    #: The parcel once the carrier has it, and until then what there is to say instead.
    parcel: ShipmentInfo | None
    no_parcel: str
    #: Where the parcel was, in words, oldest first.
    tracking: list[tuple[str, datetime]]
    history: list[Happening]
    #: Milliseconds until the page looks again; 0 when nothing will happen any more.
    look_again: int


def order_page_of(order: Details) -> OrderPage:
    """Gather what all contexts say of the order."""
    summary = order.summary
    history = orders.history(summary.id)
    shipment = shipping.shipment_of(summary.id)
    parcel = shipment if shipment and shipment.tracking_number else None
    paid = next(iter(payments.payments_of(summary.id)), None)
    headline, next_step = labels.STATUS[summary.status]
    return OrderPage(
        order=order,
        headline=headline,
        explanation=" ".join(filter(None, (_reason(order, paid), next_step))),
        notice=labels.TOO_LATE_NOTICE if _came_too_late(history) else "",
        steps=steps_of(summary.status, history),
        money=list(_money(paid)),
        parcel=parcel,
        no_parcel=_no_parcel(summary.status, shipment),
        tracking=[(labels.tracking_words(t.status), t.time) for t in parcel.tracking] if parcel else [],
        history=history,
        look_again=0 if summary.is_terminal else WAITING if summary.needs_attention else MOVING,
    )


def steps_of(status: str, history: Iterable[Happening]) -> list[Step]:
    """What is done, what is being done and what is to come."""
    times: dict[str, datetime] = {}
    for happening in history:
        times.setdefault(happening.event, happening.time)
    if status in OFF_THE_WAY:
        came = [Step(label, "done", times[event]) for _, label, event in WAY if event in times]
        return [*came, Step(*OFF_THE_WAY[status])]
    come = [name for name, _, _ in WAY].index(status)
    return [
        Step(label, _state(index - come), times.get(event) if index <= come else None)
        for index, (_, label, event) in enumerate(WAY)
    ]


def _state(ahead: int) -> str:
    if ahead <= 0:
        return "done"
    return "now" if ahead == 1 else "todo"


def _no_parcel(status: str, shipment: ShipmentInfo | None) -> str:
    otherwise = labels.NO_PARCEL_NOW.get(status, labels.NO_PARCEL_YET)
    return labels.NO_PARCEL.get(shipment.state, otherwise) if shipment else otherwise


def _came_too_late(history: Iterable[Happening]) -> bool:
    return any(happening.event == "CancellationRejected" for happening in history)


def _reason(order: Details, payment: PaymentInfo | None) -> str:
    """Why the status is what it is, as precisely as the contexts know."""
    reason = order.summary.reason
    words = labels.REASON.get(reason, order.summary.reason_label)
    if reason == "payment_failed" and payment and payment.failure_message:
        return f"{payment.failure_message} Nothing was charged: order again with another card."
    if reason == "out_of_stock" and (names := _missing(order)):
        return f"{words[:-1]}: {', '.join(names)}."
    return words


def _missing(order: Details) -> list[str]:
    """What the stock could not serve, by name."""
    stock = inventory.stock_of_order(order.summary.id)
    return [line.name for line in order.lines if stock and line.sku in stock.shortages]


def _money(payment: PaymentInfo | None) -> Iterable[Fact]:
    """What became of the customer's money."""
    if payment is None:
        yield Fact("Not charged yet", "busy")
        return
    card = card_name(payment.method)
    yield {
        "processing": Fact(f"{card} is being charged", "busy"),
        "succeeded": Fact(f"Paid with {card}", "good"),
        "failed": Fact(f"{payment.failure_message or 'The payment failed.'} Nothing was charged.", "bad"),
        "voided": Fact("Nothing was charged"),
    }[payment.state]
    for refund in payment.refunds:
        yield _refund(refund)


def _refund(refund: RefundInfo) -> Fact:
    return {
        "requested": Fact("A refund is on its way", "busy"),
        "pending": Fact("A refund is on its way; your bank is working on it", "busy"),
        "succeeded": Fact("The money was refunded", "good"),
        "failed": Fact("A refund did not succeed; we are looking into it", "bad"),
    }[refund.state]
