"""Queries of orders: plain data, for pages across contexts and for the audit."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from operator import attrgetter
from uuid import UUID

from django.conf import settings
from django.db.models import Count, Min, QuerySet
from django.utils import timezone

from orders.deadlines import overdue_since
from orders.events import Address
from orders.models import Order, OrderLine
from orders.snapshots import all_drifts
from orders.states import DEADLINES, TERMINAL, AttentionReason, Status
from orders.timeline import summary_of
from shop.accounts import guests
from shop.messaging.event_log import timeline
from shop.postgres.planning import custom_plans
from shop.waiting import Waiting

_NUMBER = re.compile(r"\s*(?:ORD-)?(\d{1,18})\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Line:
    """A line of an order."""

    sku: str
    name: str
    quantity: int
    unit_price: Decimal
    currency: str

    @property
    def amount(self) -> Decimal:
        """The price of the whole line."""
        return self.quantity * self.unit_price


@dataclass(frozen=True, slots=True)
class Summary:
    """An order in a list."""

    id: UUID
    number: str
    status: str
    status_label: str
    #: Reason of the status; empty where there is none.
    reason: str
    reason_label: str
    total: Decimal
    currency: str
    customer_id: int
    customer_name: str
    customer_email: str
    placed_at: datetime
    changed_at: datetime
    #: The order has ended.
    is_terminal: bool
    is_cancellable: bool
    needs_attention: bool
    #: It needs attention, and what it waits for may still come.
    is_resumable: bool
    #: It needs attention, and an operator may end it.
    is_settleable: bool
    #: Operators' note on why it needs attention.
    attention_note: str


@dataclass(frozen=True, slots=True)
class Details:
    """An order with its lines and its address."""

    summary: Summary
    lines: list[Line]
    ship_to: Address
    payment_method: str
    payment_undone: bool
    stock_undone: bool


@dataclass(frozen=True, slots=True)
class Happening:
    """An event of an order, as its customer may see it."""

    #: Name of the event without app and version, as in ``OrderCreated``.
    event: str
    #: The event in a sentence.
    summary: str
    time: datetime


@dataclass(frozen=True, slots=True)
class AcceptedOrder:
    """An order for the audit."""

    id: UUID
    number: str
    status: str
    reason: str
    is_terminal: bool
    total: Decimal
    currency: str
    placed_at: datetime
    changed_at: datetime
    #: SKU -> quantity.
    lines: dict[str, int]


@dataclass(frozen=True, slots=True)
class OverdueOrder:
    """An order whose deadline has passed."""

    id: UUID
    number: str
    status: str
    #: The overdue step: ``payment``, ``stock``, ``carrier`` or ``cancellation``.
    step: str


@dataclass(frozen=True, slots=True)
class AwaitedStep:
    """Step that an order waits for, since when, and until when at most."""

    step: str
    since: datetime
    until: datetime


def order(order_id: UUID, *, customer_id: int | None = None) -> Details | None:
    """Return one order; with ``customer_id`` only if it is that customer's."""
    orders = Order.objects.filter(pk=order_id).prefetch_related("lines")
    found = (orders if customer_id is None else orders.filter(customer_id=customer_id)).first()
    return _details(found) if found else None


def numbers_of(order_ids: Collection[UUID]) -> dict[UUID, str]:
    """Return the numbers of orders, for those that exist."""
    return {order.pk: order.number for order in Order.objects.filter(pk__in=order_ids).only("pk", "serial")}


def order_by_number(number: str) -> Summary | None:
    """Return the order with this number, written as ``ORD-1042`` or ``1042``."""
    serial = serial_of(number)
    found = Order.objects.filter(serial=serial).first() if serial is not None else None
    return _summary(found) if found else None


def order_placed_with(idempotency_key: str, *, customer_ids: Collection[int]) -> Summary | None:
    """Return the order that one of the customers placed with this key."""
    orders = Order.objects.filter(customer_id__in=customer_ids, idempotency_key=idempotency_key)
    found = orders.first() if idempotency_key else None
    return _summary(found) if found else None


def history(order_id: UUID) -> list[Happening]:
    """Return the events of an order in all contexts, oldest first."""
    return [Happening(entry.name, summary_of(entry), entry.time) for entry in timeline(order_id)]


def serial_of(number: str) -> int | None:
    """Parse an order number as people write it; None if it is none."""
    match = _NUMBER.fullmatch(number)
    return int(match[1]) if match else None


def latest_orders(
    *,
    customer_id: int | None = None,
    customer_ids: Collection[int] | None = None,
    status: str | None = None,
    before: UUID | None = None,
    limit: int = 20,
) -> list[Summary]:
    """Return the latest orders, newest first; the next page comes ``before`` the last id seen."""
    wanted = {
        "customer_id": customer_id,
        "customer_id__in": customer_ids,
        "status": status,
        "pk__lt": before,
    }
    orders = Order.objects.filter(**{name: value for name, value in wanted.items() if value is not None})
    return [_summary(found) for found in orders.order_by("-pk")[:limit]]


@custom_plans()
def orders_needing_attention(*, limit: int = 50) -> list[Summary]:
    """Return orders that need attention, oldest first."""
    held_up = Order.objects.filter(status=Status.NEEDS_ATTENTION).order_by("pk")
    return [_summary(found) for found in held_up[:limit]]


def awaited_step(order_id: UUID) -> AwaitedStep | None:
    """Return the step that an order waits for; None if it waits for nothing with a deadline."""
    found = Order.objects.only("status", "changed_at").get(pk=order_id)
    until = overdue_since(found)
    return AwaitedStep(DEADLINES[found.status][0], found.changed_at, until) if until else None


def waiting_for_attention() -> dict[str, tuple[str, Waiting]]:
    """Return the orders that need attention by reason: the reason's label, their number and the oldest."""
    held_up = Order.objects.filter(status=Status.NEEDS_ATTENTION).order_by()
    rows = held_up.values_list("attention_reason").annotate(Count("pk"), Min("changed_at"))
    labels = dict(AttentionReason.choices)
    return {reason: (str(labels[reason]), Waiting(count, since)) for reason, count, since in rows}


def moving_orders_by_status() -> dict[str, int]:
    """Count the orders in each status but the final ones, which hold too many to count."""
    moving = [status for status in Status if status not in TERMINAL]
    counts = Order.objects.filter(status__in=moving).order_by().values_list("status").annotate(n=Count("pk"))
    return {status.value: 0 for status in moving} | dict(counts)


def statuses(order_ids: list[UUID]) -> dict[UUID, str]:
    """Return the statuses of these orders."""
    return dict(Order.objects.filter(pk__in=order_ids).values_list("pk", "status"))


def accepted_orders(*, chunk: int = 2000) -> Iterator[AcceptedOrder]:
    """Stream every accepted order, oldest first."""
    for found in _all_with_lines().iterator(chunk_size=chunk):
        yield AcceptedOrder(
            id=found.pk,
            number=found.number,
            status=found.status,
            reason=found.reason,
            is_terminal=found.is_terminal,
            total=found.total,
            currency=found.currency,
            placed_at=found.placed_at,
            changed_at=found.changed_at,
            lines={line.sku: line.quantity for line in found.lines.all()},
        )


def differences_from_history() -> Iterator[tuple[UUID, list[str]]]:
    """Stream the orders that are not what their consumed events make of them, oldest first, and in what."""
    return ((drift.order_id, drift.texts) for drift in all_drifts() if not drift.unknown)


def overdue_orders(*, grace: timedelta) -> list[OverdueOrder]:
    """Return orders whose present step was due more than ``grace`` ago, oldest first."""
    now, found = timezone.now(), []
    for status, (step, setting) in DEADLINES.items():
        late = Order.objects.filter(status=status, changed_at__lt=now - getattr(settings, setting) - grace)
        found += [OverdueOrder(order.pk, order.number, status, step) for order in late.only("pk", "serial")]
    return sorted(found, key=attrgetter("id"))


def overdue_by_step() -> dict[str, int]:
    """Count the orders whose present step is overdue, by step."""
    now = timezone.now()
    return {
        step: Order.objects.filter(status=status, changed_at__lt=now - getattr(settings, setting)).count()
        for status, (step, setting) in DEADLINES.items()
    }


def _all_with_lines() -> QuerySet[Order]:
    return Order.objects.order_by("pk").prefetch_related("lines")


def _summary(found: Order) -> Summary:
    return Summary(
        id=found.pk,
        number=found.number,
        status=found.status,
        status_label=found.get_status_display(),
        reason=found.reason,
        reason_label=found.reason_label,
        total=found.total,
        currency=found.currency,
        customer_id=found.customer_id,
        customer_name=found.customer_name,
        customer_email=found.customer_email,
        placed_at=found.placed_at,
        changed_at=found.changed_at,
        is_terminal=found.is_terminal,
        is_cancellable=found.is_cancellable,
        needs_attention=found.status == Status.NEEDS_ATTENTION,
        is_resumable=found.is_resumable,
        is_settleable=found.is_settleable,
        attention_note=found.attention_note,
    )


def _details(found: Order) -> Details:
    return Details(
        summary=_summary(found),
        lines=[_line(line) for line in found.lines.all()],
        ship_to=found.ship_to,
        payment_method=found.payment_method,
        payment_undone=found.payment_undone,
        stock_undone=found.stock_undone,
    )


def _line(line: OrderLine) -> Line:
    return Line(line.sku, line.name, line.quantity, line.unit_price, line.currency)


def has_orders(customer_id: int) -> bool:
    """Tell whether a customer has orders, at whatever state."""
    return Order.objects.filter(customer_id=customer_id).exists()


def customers_of(order_ids: Collection[UUID]) -> dict[UUID, int]:
    """Return the accounts of those orders that exist, by order; of a claimed one, its claimant."""
    return dict(Order.objects.filter(pk__in=order_ids).values_list("pk", guests.owner()))


def orders_of(customer_id: int) -> list[UUID]:
    """Return the ids of all orders of a customer, those included that were claimed from guests."""
    accounts = guests.accounts_of(customer_id)
    return list(Order.objects.filter(customer_id__in=accounts).values_list("pk", flat=True))
