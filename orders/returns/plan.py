"""Plan of a return: what of an order can be sent back, until when, and what a receipt gives back."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext

from orders.errors import InvalidReturn, LinesTaken, MoreThanIsLeft, NotReturnable, Problem
from orders.models import Order, Return
from orders.refunds.plan import left_of, quantities_left
from orders.states import Status
from shop.messaging.contracts import Money
from shop.messaging.event_log import timeline
from shop.visible import is_visible


@dataclass(frozen=True, slots=True)
class Received:
    """Quantities of a product that came back."""

    restocked: int = 0
    written_off: int = 0

    @property
    def quantity(self) -> int:
        """Both together."""
        return self.restocked + self.written_off


def check_returnable(order: Order, *, by_customer: bool) -> None:
    """Raise NotReturnable if nothing of the order can be sent back, or not by its customer any more."""
    delivered_at = _delivered_at(order.pk) if order.status in (Status.DELIVERED, Status.SETTLED) else None
    if delivered_at is None:
        raise NotReturnable(number=order.number, why=gettext("it is not delivered"))
    if by_customer and timezone.now() > delivered_at + settings.SHOP_RETURN_PERIOD:
        days = settings.SHOP_RETURN_PERIOD.days
        raise NotReturnable(
            number=order.number, why=gettext("it was delivered more than {days} days ago").format(days=days)
        )


def check_lines(order: Order, lines: Mapping[str, int]) -> None:
    """Refuse what is not of the order, and more than is left of it; lock the order first to rely on it.

    Raises:
        InvalidReturn: there are no lines, or the order has no such line.
        LinesTaken: so much is not left: returned or refunded, or about to be.
    """
    ordered = {line.sku: line.quantity for line in order.lines.all()}
    wrong = [_no_line(order, sku) for sku in lines if sku not in ordered]
    if wrong or not any(lines.values()):
        raise InvalidReturn(*wrong or [Problem(("lines",), gettext("Say what is sent back."), "nothing")])
    left = quantities_left(order)
    for sku, quantity in lines.items():
        if quantity > left[sku]:
            taken = ordered[sku] - left[sku]
            raise LinesTaken(taken=taken, ordered=ordered[sku], sku=sku, left=max(left[sku], 0))


def check_reason(reason: str, message: str) -> None:
    """Raise InvalidReturn if the reason has nothing to be seen."""
    if not is_visible(reason):
        raise InvalidReturn(Problem(("reason",), message, "invisible"))


def amount_for(order: Order, received: Mapping[str, Received]) -> Money:
    """Return what is given back for goods: their price, or what is left if that is less."""
    prices = {line.sku: line.unit_price for line in order.lines.all()}
    price = sum((prices[sku] * one.quantity for sku, one in received.items()), Decimal(0))
    return Money.stored(min(price, left_of(order)), order.currency)


def check_amount(order: Order, amount: Money) -> None:
    """Refuse an amount in another currency, or above what is left."""
    if amount.currency != order.currency:
        message = gettext("The order was paid in {currency}.").format(currency=order.currency)
        raise InvalidReturn(Problem(("amount", "currency"), message, "wrong_currency"))
    if amount.amount > (left := left_of(order)):
        raise MoreThanIsLeft(number=order.number, left=Money.stored(left, order.currency))


def received_so_far(returned: Return) -> dict[str, Received]:
    """Return what of a return is here, by SKU."""
    return {line.sku: Received(line.restocked, line.written_off) for line in returned.lines.all()}


def _delivered_at(order_id: UUID) -> datetime | None:
    """Return when the customer got the parcel, by the log; None without a delivery."""
    return next((entry.time for entry in timeline(order_id) if entry.name == "OrderDelivered"), None)


def _no_line(order: Order, sku: str) -> Problem:
    return Problem(
        ("lines",),
        gettext("{number} has no line {sku}.").format(number=order.number, sku=sku),
        "unknown_line",
    )
