"""Undelivered orders that are given up, by a refund and a settlement under one lock."""

from uuid import UUID

from django.utils.translation import gettext_noop

from orders import repository
from orders.errors import ReasonMissing
from orders.models import RefundRequest
from orders.refunds.services import request_refund
from orders.services import settle_order
from orders.undelivered.plan import in_words, plan_giving_up
from shop.messaging.publishing import unit_of_work
from shop.visible import is_visible


@unit_of_work()
def refund_and_settle(*, order_id: UUID, goods: str, reason: str) -> RefundRequest:
    """Give all that is left of an undelivered order back and settle it, both or nothing.

    Publishes RefundRequested and OrderSettled. A refund that fails later is retried, or given back otherwise,
    as any other; the order stays settled.

    Args:
        order_id: an order that is held up for a parcel that did not arrive.
        goods: ``returned``, which restocks them, or ``lost``, which leaves the stock as it is.
        reason: kept for ever with the settlement.

    Raises:
        NotUndelivered: its parcel is not lost, back or overdue.
        NothingLeft: all of its money was given back, or is about to be.
        ReasonMissing: the reason is empty.
    """
    order = repository.lock([order_id])[0]
    plan = plan_giving_up(order, goods=goods)
    if not is_visible(reason):
        raise ReasonMissing(number=order.number)
    refund = request_refund(order_id=order_id, wish=plan.wish, reason=reason)
    refund.order = settle_order(order_id=order_id, reason=reason)
    return refund


def done_text(refund: RefundRequest, reason: str) -> str:
    """Return what was done, for the journal."""
    if refund.restock:
        text = gettext_noop("Refunded {money}, put {goods} back into the stock, and settled the order")
    elif refund.lines:
        text = gettext_noop("Refunded {money}, wrote {goods} off, and settled the order")
    else:
        text = gettext_noop("Refunded {money} and settled the order")
    return f"{text.format(money=refund.money, goods=in_words(refund.quantities))}: {reason}"
