"""Plan of giving an undelivered order up: the money that goes back, and what becomes of the goods."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext

from orders.errors import NothingLeft, NotUndelivered
from orders.models import Order
from orders.refunds.plan import Wish, left_of, quantities_left
from shop.messaging.contracts import Money

#: Where the goods of an undelivered order are: they came back, or are lost.
RETURNED, LOST = "returned", "lost"


@dataclass(frozen=True, slots=True)
class Plan:
    """Effect of giving an undelivered order up."""

    #: All that can still be given back.
    amount: Money
    #: SKU -> quantity that neither a refund nor a return took before.
    lines: Mapping[str, int]
    #: The goods came back, and go into the stock.
    restocks: bool

    @property
    def wish(self) -> Wish:
        """The refund that it takes."""
        return Wish(amount=self.amount, lines=self.lines, restock=self.restocks)


def plan_giving_up(order: Order, *, goods: str) -> Plan:
    """Return the effect of giving an order up; lock the order first to rely on it.

    Args:
        order: one that is held up for its parcel.
        goods: RETURNED or LOST.

    Raises:
        NotUndelivered: its parcel is not lost, back or overdue.
        NothingLeft: all of its money was given back, or is about to be.
    """
    check_undelivered(order)
    left = Money.stored(left_of(order), order.currency)
    if not left.amount:
        raise NothingLeft(number=order.number)
    lines = {sku: quantity for sku, quantity in quantities_left(order).items() if quantity > 0}
    return Plan(left, lines, restocks=goods == RETURNED and bool(lines))


def check_undelivered(order: Order) -> None:
    """Raise NotUndelivered if the order is not held up for a parcel that did not arrive."""
    if not order.is_undelivered:
        raise NotUndelivered(number=order.number)


def in_words(lines: Mapping[str, int]) -> str:
    """Return quantities as people read them: ``2 x MUG, 1 x TEA``."""
    return ", ".join(f"{quantity} x {sku}" for sku, quantity in sorted(lines.items()))


def effect_of(plan: Plan) -> str:
    """Return the effect in words, before it happens."""
    if plan.restocks:
        money = gettext("Refund {amount} to the customer and put {goods} back into the stock.")
    elif plan.lines:
        money = gettext("Refund {amount} to the customer and write {goods} off: the stock stays as it is.")
    else:
        money = gettext("Refund {amount} to the customer. The stock stays as it is.")
    end = gettext("The order is settled: it ends here. This cannot be taken back.")
    return f"{money.format(amount=plan.amount, goods=in_words(plan.lines))} {end}"
