"""Queries of returns: plain data, for the audit, the storefront and pages."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from orders.errors import OrdersError
from orders.models import Order, Return, ReturnReceipt
from orders.refunds.plan import quantities_left
from orders.returns.plan import check_returnable
from orders.returns.services import returns_of
from shop.messaging.contracts import Money
from shop.waiting import Waiting, waiting


@dataclass(frozen=True, slots=True)
class ReturnFacts:
    """A return for the audit."""

    id: UUID
    order_id: UUID
    state: str
    #: SKU -> quantity that came back or may still come.
    taken: dict[str, int]
    #: SKU -> quantity that was approved, and that came back.
    approved: dict[str, int]
    received: dict[str, int]
    #: SKU -> quantity that went into the stock, by its receipts.
    restocked: dict[str, int]
    #: SKU -> quantity that came back, by its receipts.
    in_receipts: dict[str, int]
    #: Number of its receipts.
    receipts: int
    #: Refunds of its receipts, and what orders has for them.
    refunds: dict[UUID, Decimal]


@dataclass(frozen=True, slots=True)
class LateReturn:
    """A return whose goods should be here."""

    id: UUID
    order_id: UUID
    order_number: str


@dataclass(frozen=True, slots=True)
class ShownReturn:
    """A return for its customer."""

    id: UUID
    state: str
    refusal: str
    arrive_by: datetime | None
    #: Name and quantity of each line.
    lines: list[tuple[str, int]]
    #: Name and quantity of what came back.
    received: list[tuple[str, int]]
    #: Sums that are, or were, given back.
    given_back: list[str]
    is_live: bool


@dataclass(frozen=True, slots=True)
class ReturnableLine:
    """A line of an order that can be sent back."""

    sku: str
    name: str
    quantity: int


def all_returns() -> Iterator[ReturnFacts]:
    """Stream all returns, by order."""
    returns = Return.objects.order_by("order_id", "pk").prefetch_related("lines", "receipts__refund")
    return map(_facts, returns.iterator(chunk_size=2000))


def returns_waiting() -> Waiting:
    """Return the returns that wait for an operator's decision."""
    return waiting(Return.objects.filter(state=Return.State.REQUESTED), "created_at")


def undecided_returns() -> Waiting:
    """Return those that have waited for a decision longer than ``SHOP_RETURN_DECISION``."""
    since = timezone.now() - settings.SHOP_RETURN_DECISION
    late = Return.objects.filter(state=Return.State.REQUESTED, created_at__lt=since)
    return waiting(late, "created_at")


def late_returns(*, grace: timedelta) -> list[LateReturn]:
    """Return the approved returns whose goods were due more than ``grace`` ago."""
    late = Return.objects.filter(state=Return.State.APPROVED, arrive_by__lt=timezone.now() - grace)
    rows = late.select_related("order").order_by("pk")
    return [LateReturn(found.pk, found.order_id, found.order.number) for found in rows]


def returns_of_order(order_id: UUID) -> list[ShownReturn]:
    """Return the returns of an order, oldest first."""
    order = Order.objects.prefetch_related("lines").get(pk=order_id)
    names = {line.sku: line.name for line in order.lines.all()}
    return [_shown(found, names) for found in returns_of(order)]


def returnable_lines(order_id: UUID) -> list[ReturnableLine]:
    """Return what its customer can ask to send back now; nothing once the time for it is over."""
    order = Order.objects.prefetch_related("lines").get(pk=order_id)
    try:
        check_returnable(order, by_customer=True)
    except OrdersError:
        return []
    left = quantities_left(order)
    return [
        ReturnableLine(line.sku, line.name, left[line.sku])
        for line in order.lines.all()
        if left[line.sku] > 0
    ]


def _facts(found: Return) -> ReturnFacts:
    lines, receipts = found.lines.all(), found.receipts.all()
    restocked: Counter[str] = Counter()
    in_receipts: Counter[str] = Counter()
    for receipt in receipts:
        restocked.update(receipt.restocked)
        in_receipts.update({line["sku"]: line["restocked"] + line["written_off"] for line in receipt.lines})
    return ReturnFacts(
        id=found.pk,
        order_id=found.order_id,
        state=found.state,
        taken=dict(found.taken),
        approved={line.sku: line.quantity for line in lines},
        received={line.sku: line.received for line in lines if line.received},
        restocked=dict(restocked),
        in_receipts=dict(in_receipts),
        receipts=len(receipts),
        refunds={receipt.refund.pk: receipt.refund.amount for receipt in receipts if receipt.refund},
    )


def _shown(found: Return, names: dict[str, str]) -> ShownReturn:
    lines = found.lines.all()
    return ShownReturn(
        id=found.pk,
        state=found.state,
        refusal=found.refusal,
        arrive_by=found.arrive_by,
        lines=[(names[line.sku], line.quantity) for line in lines],
        received=[(names[line.sku], line.received) for line in lines if line.received],
        given_back=[str(money) for receipt in found.receipts.all() if (money := _given_back(receipt))],
        is_live=found.is_live,
    )


def _given_back(receipt: ReturnReceipt) -> Money | None:
    return receipt.refund.money if receipt.refund else None
