"""Receipts of goods that come back: restocked or written off, in one parcel or several, and paid back."""

from collections.abc import Mapping
from uuid import UUID

from django.utils.translation import gettext

from orders.errors import InvalidReturn, MoreThanIsAwaited, Problem
from orders.events import ReceivedLine, ReturnReceived
from orders.models import RefundRequest, Return, ReturnReceipt
from orders.refunds.plan import Wish
from orders.refunds.services import request_refund
from orders.returns.plan import Received, amount_for, check_amount
from orders.returns.services import await_goods, check_state, end, lock_return, names_of, store
from shop.messaging.contracts import Money
from shop.messaging.publishing import publish, unit_of_work


@unit_of_work()
def receive_return(
    *, order_id: UUID, return_id: UUID, received: Mapping[str, Received], amount: Money | None = None
) -> ReturnReceipt:
    """Record goods that came back, and have their price given back. The rest, if any, gets more time.

    Args:
        order_id: the order.
        return_id: the return, which is approved.
        received: SKU -> what came back of it.
        amount: what is given back instead of the price; it may be nothing.

    Raises:
        IllegalReturn: the return is not approved, or has ended.
        InvalidReturn, MoreThanIsAwaited, MoreThanIsLeft
    """
    returned = lock_return(order_id, return_id)
    check_state(returned, Return.State.APPROVED, act="received")
    given = {sku: one for sku, one in received.items() if one.quantity}
    check_received(returned, given)
    money = planned_amount(returned, given, amount)
    _store_lines(returned, given)
    if not any(line.awaited for line in returned.lines.all()):
        end(returned, Return.State.RECEIVED)
    else:
        await_goods(returned)
        store(returned, Return.State.APPROVED)
    receipt = _receipt(returned, given, money)
    _publish(returned, receipt)
    return receipt


def check_received(returned: Return, received: Mapping[str, Received]) -> None:
    """Refuse what is not of the return, and more of it than is awaited."""
    awaited = {line.sku: line.awaited for line in returned.lines.all()}
    wrong = [
        Problem(("lines",), gettext("The return has no line {sku}.").format(sku=sku), "unknown_line")
        for sku in received
        if sku not in awaited
    ]
    if wrong or not received:
        raise InvalidReturn(*wrong or [Problem(("lines",), gettext("Say what came back."), "nothing")])
    for sku, one in received.items():
        if one.quantity > awaited[sku]:
            raise MoreThanIsAwaited(sku=sku, awaited=awaited[sku])


def planned_amount(returned: Return, received: Mapping[str, Received], amount: Money | None) -> Money:
    """Return what is given back for goods; lock the order first to rely on it."""
    if amount is None:
        return amount_for(returned.order, received)
    check_amount(returned.order, amount)
    return amount


def _store_lines(returned: Return, received: Mapping[str, Received]) -> None:
    for line in returned.lines.all():
        if one := received.get(line.sku):
            line.restocked += one.restocked
            line.written_off += one.written_off
            line.save(update_fields=["restocked", "written_off"])


def _receipt(returned: Return, received: Mapping[str, Received], money: Money) -> ReturnReceipt:
    lines = [
        {"sku": sku, "restocked": one.restocked, "written_off": one.written_off}
        for sku, one in sorted(received.items())
    ]
    return ReturnReceipt.objects.create(order_return=returned, lines=lines, refund=_refund(returned, money))


def _refund(returned: Return, money: Money) -> RefundRequest | None:
    if not money.amount:
        return None
    return request_refund(order_id=returned.order_id, wish=Wish(amount=money), reason="Goods were sent back.")


def _publish(returned: Return, receipt: ReturnReceipt) -> None:
    refund, names = receipt.refund, names_of(returned.order)
    publish(
        ReturnReceived(
            order_id=returned.order_id,
            return_id=returned.pk,
            receipt_id=receipt.pk,
            lines=tuple(ReceivedLine(name=names[line["sku"]], **line) for line in receipt.lines),
            is_complete=returned.state == Return.State.RECEIVED,
            refund=refund and refund.money,
            refund_id=refund and refund.pk,
        )
    )
