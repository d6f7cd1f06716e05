"""Plan of a refund: its amount, what is left afterwards, and whether it cancels the order."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from uuid import UUID

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from orders.errors import (
    InvalidRefund,
    LinesRefunded,
    MoreThanIsLeft,
    NotRefundable,
    Problem,
    TooEarlyToRestock,
)
from orders.models import Order, RefundRequest
from orders.states import AttentionReason, Status
from shop.messaging.contracts import Money
from shop.messaging.event_log import timeline

#: Reason by status for which nothing can be given back.
_REFUSALS = {
    Status.PLACED: _("nothing is paid yet: cancel it"),
    Status.CANCELLING: _("all of its money is on its way back"),
    Status.CANCELLED: _("all of its money was given back"),
}

#: Reason for an order whose payment the customer's bank disputes.
_DISPUTED = _("the customer's bank may take the money itself: wait for the end of the dispute")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Request of staff: an amount to give back, or the price of lines; with both, the amount for them."""

    amount: Money | None = None
    #: SKU -> quantity.
    lines: Mapping[str, int] = field(default_factory=dict)
    #: The goods of the lines are back, and go into the stock.
    restock: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """Effect of a refund."""

    amount: Money
    #: What can still be given back afterwards.
    left: Money
    #: The order has not left, and all of its money goes back: it is cancelled.
    cancels: bool


def plan_refund(order: Order, wish: Wish) -> Plan:
    """Return the effect of a refund; lock the order first to rely on it.

    Raises:
        InvalidRefund: the lines or the currency are not those of the order.
        NotRefundable, MoreThanIsLeft, LinesRefunded, TooEarlyToRestock
    """
    disputed = order.attention_reason == AttentionReason.DISPUTED
    if why := _DISPUTED if disputed else _REFUSALS.get(Status(order.stage)):
        raise NotRefundable(number=order.number, status=order.get_status_display().lower(), why=why)
    amount, left = _amount(order, wish), left_of(order)
    if amount > left:
        raise MoreThanIsLeft(number=order.number, left=Money.stored(left, order.currency))
    cancels = order.is_cancellable and amount == left
    if wish.restock and order.is_cancellable and not cancels:
        raise TooEarlyToRestock(number=order.number)
    _check_quantities(order, wish.lines)
    after = Money.stored(left - amount, order.currency)
    return Plan(Money.stored(amount, order.currency), after, cancels)


def left_of(order: Order) -> Decimal:
    """Return what can still be given back: neither given back, by the log, nor requested."""
    given = _given_back(order.pk)
    requests = order.refunds.filter(state=RefundRequest.State.REQUESTED, cancels=False)
    is_open = sum((request.amount for request in requests if request.pk not in given), Decimal(0))
    left: Decimal = order.total - sum(given.values(), Decimal(0)) - is_open
    return max(left, Decimal(0))


def quantities_left(order: Order) -> dict[str, int]:
    """Return the quantities that no refund was requested for and no return takes, by SKU.

    A refund that failed counts: it can be retried.
    """
    left = Counter({line.sku: line.quantity for line in order.lines.all()})
    for request in order.refunds.filter(cancels=False):
        left.subtract(request.quantities)
    for returned in order.returns.prefetch_related("lines"):
        left.subtract(returned.taken)
    return dict(left)


def _given_back(order_id: UUID) -> dict[UUID, Decimal]:
    """Return all that was given back, by refund: also what no one requested of orders."""
    refunded = [entry.data for entry in timeline(order_id) if entry.name == "PaymentRefunded"]
    return {UUID(data["refund_id"]): Decimal(data["amount"]["amount"]) for data in refunded}


def _amount(order: Order, wish: Wish) -> Decimal:
    if wish.amount is None:
        prices = {line.sku: line.unit_price for line in order.lines.all()}
        unknown = [sku for sku in wish.lines if sku not in prices]
        if unknown or not wish.lines:
            raise InvalidRefund(*[_no_line(order, sku) for sku in unknown] or [_nothing()])
        return sum((quantity * prices[sku] for sku, quantity in wish.lines.items()), Decimal(0))
    if wish.amount.currency != order.currency:
        message = gettext("The order was paid in {currency}.").format(currency=order.currency)
        raise InvalidRefund(Problem(("amount", "currency"), message, "wrong_currency"))
    if wish.amount.amount <= 0:
        raise InvalidRefund(_nothing())
    return wish.amount.amount


def _nothing() -> Problem:
    return Problem(("amount",), gettext("Give back more than nothing."), "nothing")


def _no_line(order: Order, sku: str) -> Problem:
    message = gettext("{number} has no line {sku}.").format(number=order.number, sku=sku)
    return Problem(("lines",), message, "unknown_line")


def _check_quantities(order: Order, lines: Mapping[str, int]) -> None:
    left = quantities_left(order) if lines else {}
    ordered = {line.sku: line.quantity for line in order.lines.all()}
    for sku, quantity in lines.items():
        if quantity > left[sku]:
            raise LinesRefunded(
                refunded=ordered[sku] - left[sku], ordered=ordered[sku], sku=sku, left=left[sku]
            )
