"""Requests for refunds. The order's row lock orders them, so that their sum never exceeds its total."""

from uuid import UUID

from django.utils.translation import gettext

from orders import repository
from orders.errors import InvalidRefund, Problem
from orders.events import RefundedLine, RefundRequested
from orders.models import RefundRequest
from orders.models.refund import MAX_REASON
from orders.refunds.plan import Plan, Wish, plan_refund
from orders.services import request_cancellation
from shop.messaging.publishing import publish, unit_of_work
from shop.visible import is_visible


@unit_of_work()
def request_refund(*, order_id: UUID, wish: Wish, reason: str) -> RefundRequest:
    """Have money of an order given back. All of it, before the parcel has left, cancels the order.

    Publishes RefundRequested, or OrderCancellationRequested. The reason stays here: it may be personal.

    Raises:
        InvalidRefund: lines, currency or reason are missing or wrong.
        NotRefundable, MoreThanIsLeft, LinesRefunded, TooEarlyToRestock
    """
    order = repository.lock([order_id])[0]
    if not is_visible(reason):
        raise InvalidRefund(Problem(("reason",), gettext("Say why the money is given back."), "invisible"))
    plan = plan_refund(order, wish)
    request = RefundRequest.objects.create(
        order=order,
        amount=plan.amount.amount,
        currency=plan.amount.currency,
        lines=[{"sku": sku, "quantity": quantity} for sku, quantity in sorted(wish.lines.items())],
        restock=wish.restock,
        reason=reason.strip()[:MAX_REASON],
        cancels=plan.cancels,
    )
    if plan.cancels:
        request.order = request_cancellation(order_id=order_id, reason="operator")
    else:
        _publish(request, plan)
    return request


def _publish(request: RefundRequest, plan: Plan) -> None:
    publish(
        RefundRequested(
            order_id=request.order_id,
            refund_id=request.pk,
            amount=plan.amount,
            lines=tuple(RefundedLine(**line) for line in request.lines),
            restock=request.restock,
        )
    )
