"""Queries of refunds that were requested: plain data, for the audit, the order doctor and pages."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

from django.utils import timezone

from orders.models import RefundRequest


@dataclass(frozen=True, slots=True)
class RequestedRefund:
    """Refund as staff requested it."""

    id: UUID
    order_id: UUID
    order_number: str
    amount: Decimal
    currency: str
    #: ``requested``, ``succeeded`` or ``failed``.
    state: str
    #: It has the order cancelled, and no refund of its own in payments.
    cancels: bool
    #: SKU -> quantity that it is for; empty for an amount.
    lines: dict[str, int]
    #: SKU -> quantity that is to go back into the stock.
    restocked: dict[str, int]


def requested_refunds() -> Iterator[RequestedRefund]:
    """Stream all refunds that were requested, by order."""
    requests = RefundRequest.objects.order_by("order_id", "pk").select_related("order")
    return map(_requested, requests.iterator())


def unanswered_refunds(*, grace: timedelta) -> list[RequestedRefund]:
    """Return refunds that payments should have answered more than ``grace`` ago, oldest first."""
    waiting = RefundRequest.objects.filter(
        state=RefundRequest.State.REQUESTED, cancels=False, created_at__lt=timezone.now() - grace
    )
    return [_requested(request) for request in waiting.order_by("pk").select_related("order")]


def _requested(request: RefundRequest) -> RequestedRefund:
    return RequestedRefund(
        id=request.pk,
        order_id=request.order_id,
        order_number=request.order.number,
        amount=request.amount,
        currency=request.currency,
        state=request.outcome,
        cancels=request.cancels,
        lines={} if request.cancels else request.quantities,
        restocked=request.quantities if request.restock and not request.cancels else {},
    )
