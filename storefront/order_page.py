"""Data of an order's page, gathered from the contexts in the words of the storefront."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

from inventory import queries as inventory
from orders import queries as orders
from orders.payments.queries import PaymentDue, payment_due
from orders.queries import Details, Happening, Summary
from orders.returns import queries as returns
from orders.returns.queries import ShownReturn
from payments import queries as payments
from payments.queries import HOSTED_PAGE, PaymentInfo, RefundInfo
from shipping import queries as shipping
from shipping.queries import ShipmentInfo
from storefront import labels
from storefront.carriers import tracking_page
from storefront.formats import day_of
from storefront.test_cards import card_name

#: Regular steps of an order: status, label, and the event that completes the step.
STEPS = (
    ("placed", _("Placed"), "OrderCreated"),
    ("paid", _("Paid"), "PaymentProcessed"),
    ("in_fulfilment", _("In fulfilment"), "InventoryUpdated"),
    ("shipped", _("Shipped"), "OrderShipped"),
    ("delivered", _("Delivered"), "OrderDelivered"),
)
#: Statuses within a step that is done: the order waits for the next one.
SAME_STEP = {"awaiting_stock": "paid"}
#: Label and state of the step of an order outside the regular steps, by status.
IRREGULAR_STEPS = {
    "cancelling": (_("Being cancelled"), "now"),
    "cancelled": (_("Cancelled"), "stopped"),
    "needs_attention": (_("Needs attention"), "held"),
    "settled": (_("Closed"), "stopped"),
}
#: Milliseconds between two polls of an order in progress, and of one that needs attention.
POLL_INTERVAL, SLOW_POLL_INTERVAL = 1_000, 15_000


@dataclass(frozen=True, slots=True)
class Step:
    """Step of an order on its page."""

    label: StrOrPromise
    #: ``done``, ``now``, ``todo``, ``stopped`` or ``held``.
    state: str
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Fact:
    """Statement with a tone for its style: ``good``, ``bad``, ``busy`` or empty."""

    text: str
    tone: str = ""


@dataclass(frozen=True, slots=True)
class OrderPage:
    """Data of an order's page."""

    order: Details
    #: Status that the page shows: that of the order, unless the parcel is known to be further.
    status: str
    headline: str
    explanation: str
    #: Additional notice below the headline; mostly empty.
    notice: str
    steps: list[Step]
    money: list[Fact]
    #: Parcel once the carrier has it; until then ``no_parcel`` has a message.
    parcel: ShipmentInfo | None
    no_parcel: str
    #: The carrier's page about the parcel, if it has one.
    carriers_page: str
    #: Labels and times of the tracking, oldest first.
    tracking: list[tuple[str, datetime]]
    history: list[Happening]
    #: Goods that the customer sends back, or has sent back.
    returns: list["ReturnBox"]
    can_send_back: bool
    #: Payment that waits for the customer.
    payment_due: PaymentDue | None
    #: Label of the link to the page on which the customer confirms or pays.
    confirm_label: str
    #: The customer may pay by other means. The provider's page takes them itself.
    other_means: bool
    #: Milliseconds between two polls; 0 for a final order.
    poll_interval: int


@dataclass(frozen=True, slots=True)
class ReturnBox:
    """Return on the page of its order."""

    facts: ShownReturn
    text: str


def load_order_page(order: Details) -> OrderPage:
    """Query the contexts for the data of an order's page."""
    summary = order.summary
    history = orders.history(summary.id)
    shipment = shipping.shipment_of(summary.id)
    parcel = shipment if shipment and shipment.tracking_number else None
    payment = next(iter(payments.payments_of(summary.id)), None)
    status, reason = _status_and_reason(summary, shipment)
    headline, next_step = labels.STATUS[status]
    has_come = summary.status in ("delivered", "settled")
    due = payment_due(summary.id) if status == "placed" else None
    is_hosted = bool(payment and payment.method == HOSTED_PAGE)
    if due:
        headline, next_step = labels.PAYMENT_DUE[_need(due, is_hosted=is_hosted)]
        next_step = f"{gettext(due.message)} {next_step.format(due.pay_by)}".strip()
    return OrderPage(
        order=order,
        status=status,
        headline=str(headline),
        explanation=" ".join(filter(None, (_explanation(order, reason, payment), str(next_step)))),
        payment_due=due,
        confirm_label=gettext("Pay now") if is_hosted else gettext("Confirm the payment"),
        other_means=bool(due and due.by_other_means and not (is_hosted and due.confirm_url)),
        notice=str(labels.TOO_LATE_NOTICE) if _cancellation_was_rejected(history) else "",
        steps=progress_steps(status, history),
        money=list(_money(payment)),
        parcel=parcel,
        carriers_page=tracking_page(parcel.carrier, parcel.tracking_number) if parcel else "",
        no_parcel=_no_parcel(summary.status, shipment),
        tracking=[(labels.tracking_label(t.status), t.time) for t in parcel.tracking] if parcel else [],
        history=history,
        returns=_returns(summary) if has_come else [],
        can_send_back=has_come and bool(returns.returnable_lines(summary.id)),
        poll_interval=_poll_interval(summary),
    )


def _need(due: PaymentDue, *, is_hosted: bool) -> str:
    if not due.confirm_url:
        return "declined"
    return "pay" if is_hosted else "confirm"


def _status_and_reason(summary: Summary, shipment: ShipmentInfo | None) -> tuple[str, str]:
    """Return status and reason to show: no parcel is on its way above a tracking that says otherwise."""
    if summary.status == "shipped" and shipment and shipment.state in ("returned", "lost"):
        return "needs_attention", "delivery_failed"
    return summary.status, "" if summary.status == "settled" else summary.reason


def progress_steps(status: str, history: Iterable[Happening]) -> list[Step]:
    """Return the completed, current and future steps of an order."""
    times: dict[str, datetime] = {}
    for happening in history:
        times.setdefault(happening.event, happening.time)
    if status in IRREGULAR_STEPS:
        done = [Step(label, "done", times[event]) for _, label, event in STEPS if event in times]
        return [*done, Step(*IRREGULAR_STEPS[status])]
    current = [name for name, _, _ in STEPS].index(SAME_STEP.get(status, status))
    return [
        Step(label, _state(index - current), times.get(event) if index <= current else None)
        for index, (_, label, event) in enumerate(STEPS)
    ]


def _returns(summary: Summary) -> list[ReturnBox]:
    return [ReturnBox(found, _return_text(found)) for found in returns.returns_of_order(summary.id)]


def _return_text(found: ShownReturn) -> str:
    """Return what becomes of a return, and why it was refused."""
    date = day_of(timezone.localtime(found.arrive_by)) if found.arrive_by else ""
    return " ".join(filter(None, (str(labels.RETURN[found.state]).format(date=date), found.refusal)))


def _poll_interval(summary: Summary) -> int:
    if summary.is_terminal:
        return 0
    waits_long = summary.needs_attention or summary.status in SAME_STEP
    return SLOW_POLL_INTERVAL if waits_long else POLL_INTERVAL


def _state(ahead: int) -> str:
    if ahead <= 0:
        return "done"
    return "now" if ahead == 1 else "todo"


def _no_parcel(status: str, shipment: ShipmentInfo | None) -> str:
    message = labels.NO_PARCEL_BY_ORDER.get(status, labels.NO_PARCEL_YET)
    return str(labels.NO_PARCEL_BY_SHIPMENT.get(shipment.state, message) if shipment else message)


def _cancellation_was_rejected(history: Iterable[Happening]) -> bool:
    return any(happening.event == "CancellationRejected" for happening in history)


def _explanation(order: Details, reason: str, payment: PaymentInfo | None) -> str:
    """Return the reason for the status, as precisely as the contexts know it."""
    text = str(labels.REASON.get(reason, order.summary.reason_label if reason else ""))
    if reason == "payment_failed" and payment and payment.failure_message:
        return gettext("{failure_message} Nothing was charged: order again with another card.").format(
            failure_message=gettext(payment.failure_message)
        )
    if reason == "out_of_stock" and (names := _missing(order)):
        return f"{text[:-1]}: {', '.join(names)}."
    return text


def _missing(order: Details) -> list[str]:
    """Return the names of the products that were out of stock."""
    stock = inventory.stock_of_order(order.summary.id)
    return [line.name for line in order.lines if stock and line.sku in stock.shortages]


def _money(payment: PaymentInfo | None) -> Iterable[Fact]:
    """Yield the facts about payment and refunds."""
    if payment is None:
        yield Fact(gettext("Not charged yet"), "busy")
        return
    card = gettext("your card") if payment.method == HOSTED_PAGE else card_name(payment.method)
    yield {
        "processing": Fact(
            gettext("{card} is being asked").format(card=f"{card[0].upper()}{card[1:]}"), "busy"
        ),
        "requires_action": _unconfirmed(payment, card),
        "requires_capture": _held(payment, card),
        "succeeded": Fact(gettext("Paid with {card}").format(card=card), "good"),
        "requires_payment_method": Fact(
            gettext("{why} Nothing was charged.").format(
                why=gettext(payment.failure_message) or gettext("The payment failed.")
            ),
            "bad",
        ),
        "canceled": Fact(gettext("Nothing was charged")),
    }[payment.state]
    for refund in payment.refunds:
        yield _refund(refund, is_partial=refund.amount != payment.amount)


def _unconfirmed(payment: PaymentInfo, card: str) -> Fact:
    if payment.method == HOSTED_PAGE:
        return Fact(gettext("The payment page waits for you"), "busy")
    return Fact(gettext("{card} waits for your confirmation").format(card=card), "busy")


def _held(payment: PaymentInfo, card: str) -> Fact:
    """Return that the amount is reserved, and when it is taken."""
    if payment.failure_code:
        return Fact(
            gettext("{amount} is reserved on {card}; we could not take it yet").format(
                amount=payment.amount, card=card
            ),
            "busy",
        )
    when = (
        gettext("when your parcel leaves")
        if settings.SHOP_CAPTURE == "shipped"
        else gettext("once your goods are set aside")
    )
    return Fact(
        gettext("{amount} is reserved on {card}, and charged {when}").format(
            amount=payment.amount, card=card, when=when
        ),
        "good",
    )


def _refund(refund: RefundInfo, *, is_partial: bool) -> Fact:
    return {
        "requested": Fact(gettext("A refund is on its way"), "busy"),
        "pending": Fact(gettext("A refund is on its way; your bank is working on it"), "busy"),
        "succeeded": Fact(
            gettext("{amount} was refunded").format(amount=refund.amount)
            if is_partial
            else gettext("The money was refunded"),
            "good",
        ),
        "failed": Fact(gettext("A refund did not succeed; we are looking into it"), "bad"),
    }[refund.state]
