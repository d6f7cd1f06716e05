"""Cases of the audit: the facts that all contexts hold about each order."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from heapq import merge
from itertools import groupby
from operator import itemgetter
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from analytics.queries import ShownOrder, shown_orders, steps_by_order
from console.models import LostOrder
from inventory.queries import OrderStockFacts, order_stock_facts
from notifications.queries import kinds_by_order
from orders.queries import AcceptedOrder, accepted_orders, differences_from_history
from orders.refunds.queries import RequestedRefund, requested_refunds
from orders.returns.queries import ReturnFacts, all_returns
from payments.queries import Balance, balances, requested_parts
from shipping.queries import ParcelFacts, parcels
from shop.messaging.contracts import Event, newest
from shop.messaging.event_log import event_counts

#: Statuses after the parcel has left.
SHIPPED = frozenset({"shipped", "delivered"})
#: Statuses in which the money, stock and parcel of an order must balance.
BALANCED = SHIPPED | {"cancelled"}
#: Statuses in which an order waits for another context's answer.
IN_PROGRESS = frozenset({"placed", "paid", "awaiting_stock", "in_fulfilment", "cancelling"})


@dataclass
class Case:
    """Facts about one order, from all contexts."""

    order_id: UUID
    #: None if orders has no such order.
    order: AcceptedOrder | None = None
    #: Occurrences in the event log, by event type.
    events: Counter[str] = field(default_factory=Counter)
    stock: OrderStockFacts | None = None
    balances: list[Balance] = field(default_factory=list)
    #: Refunds that staff requested, as orders has them.
    requested: list[RequestedRefund] = field(default_factory=list)
    #: State and amount of these refunds in payments, by id.
    parts: dict[UUID, tuple[str, Decimal]] = field(default_factory=dict)
    #: Returns that were asked for.
    returns: list[ReturnFacts] = field(default_factory=list)
    parcels: list[ParcelFacts] = field(default_factory=list)
    #: States of the notifications, by kind.
    messages: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    #: Steps that analytics has recorded.
    steps: frozenset[str] = frozenset()
    #: What the stored order has otherwise than its events.
    differences: list[str] = field(default_factory=list)
    #: The order as analytics shows it.
    shown: ShownOrder | None = None
    #: False if operators discarded an event about it that analytics should have counted.
    is_counted: bool = True
    #: All subscribers have consumed all events about it.
    is_caught_up: bool = True
    #: Decision of a person on an order that a restore has lost.
    decision: str = ""

    @property
    def subject(self) -> str:
        """Order number, or the id of an order that orders does not know."""
        return self.order.number if self.order else f"order {self.order_id}"

    @property
    def status(self) -> str:
        """Status of the order; empty if orders does not know it."""
        return self.order.status if self.order else ""

    @property
    def is_lost(self) -> bool:
        """True if no context of the shop knows it, but the providers do, or a person has decided on it."""
        theirs = any(one.provider_held or one.provider_captured for one in self.balances)
        is_outside = theirs or any(parcel.label for parcel in self.parcels)
        return bool(is_outside or self.decision) and not (
            self.order
            or self.events
            or self.stock
            or self.messages
            or any(balance.held or balance.captured for balance in self.balances)
            or any(parcel.state for parcel in self.parcels)
        )

    @property
    def must_balance(self) -> bool:
        """True if its money, stock and parcel must balance."""
        return self.is_caught_up and self.status in BALANCED

    @property
    def has_all_messages(self) -> bool:
        """True if it is too recent for any of its messages to have been pruned."""
        horizon = timezone.now() - settings.SHOP_NOTIFICATION_RETENTION
        return self.order is not None and self.order.placed_at > horizon

    @property
    def kept(self) -> Decimal:
        """Money captured and not refunded."""
        return sum((balance.kept for balance in self.balances), Decimal(0))

    @property
    def is_uncaptured(self) -> bool:
        """True if its parcel has left and nothing was taken for it."""
        is_due = self.order is not None and self.order.total > 0 and self.status in SHIPPED
        return is_due and not any(balance.captured for balance in self.balances)

    @property
    def goodwill(self) -> Decimal:
        """Money that the provider gave back without the shop."""
        return sum((balance.goodwill for balance in self.balances), Decimal(0))

    @property
    def worth(self) -> Decimal:
        """Money that the shop should keep: the value of what has left, less refunds."""
        if not self.order or self.status not in SHIPPED:
            return Decimal(0)
        return self.order.total - self.goodwill - self.refunded

    @property
    def refunded(self) -> Decimal:
        """Money that staff had given back, by the books of orders."""
        done = (r.amount for r in self.requested if r.state == "succeeded" and not r.cancels)
        return sum(done, Decimal(0))

    def count(self, event: type[Event]) -> int:
        """Return the number of occurrences of an event in the log."""
        return self.events[newest(event).type]


def decisions() -> Iterator[tuple[UUID, str]]:
    """Yield the decisions on lost orders, by order."""
    yield from LostOrder.objects.order_by("order_id").values_list("order_id", "decision").iterator()


def cases(*, pending: frozenset[UUID]) -> Iterator[Case]:
    """Yield a case for every order that any context knows.

    Args:
        pending: orders with events that a subscriber has not consumed yet.
    """
    for order_id, facts in groupby(merge(*_streams(), key=itemgetter(0)), key=itemgetter(0)):
        case = Case(order_id, is_caught_up=order_id not in pending)
        for _, add, fact in facts:
            add(case, fact)
        yield case


#: Order id, function that adds a fact to the order's case, and the fact.
_Fact = tuple[UUID, Callable[[Case, Any], None], Any]


def _streams() -> list[Iterator[_Fact]]:
    """Return the facts of each context sorted by order, streamed to bound the memory."""
    return [
        ((order.id, _add_order, order) for order in accepted_orders()),
        ((row[0], _add_differences, row) for row in differences_from_history()),
        ((row[0], _add_event, row) for row in event_counts()),
        ((facts.order_id, _add_stock, facts) for facts in order_stock_facts()),
        ((balance.order_id, _add_balance, balance) for balance in balances()),
        ((refund.order_id, _add_requested, refund) for refund in requested_refunds()),
        ((row[0], _add_part, row) for row in requested_parts()),
        ((found.order_id, _add_return, found) for found in all_returns()),
        ((parcel.order_id, _add_parcel, parcel) for parcel in parcels()),
        ((row[0], _add_message, row) for row in kinds_by_order()),
        ((row[0], _add_steps, row) for row in steps_by_order()),
        ((shown.order_id, _add_shown, shown) for shown in shown_orders()),
        ((row[0], _add_decision, row) for row in decisions()),
    ]


def _add_order(case: Case, order: AcceptedOrder) -> None:
    case.order = order


def _add_differences(case: Case, row: tuple[UUID, list[str]]) -> None:
    case.differences = row[1]


def _add_event(case: Case, row: tuple[UUID, str, int]) -> None:
    case.events[row[1]] += row[2]


def _add_stock(case: Case, facts: OrderStockFacts) -> None:
    case.stock = facts


def _add_balance(case: Case, balance: Balance) -> None:
    case.balances.append(balance)


def _add_requested(case: Case, refund: RequestedRefund) -> None:
    case.requested.append(refund)


def _add_part(case: Case, row: tuple[UUID, UUID, str, Decimal]) -> None:
    case.parts[row[1]] = row[2:]


def _add_return(case: Case, facts: ReturnFacts) -> None:
    case.returns.append(facts)


def _add_parcel(case: Case, parcel: ParcelFacts) -> None:
    case.parcels.append(parcel)


def _add_message(case: Case, row: tuple[UUID, str, str]) -> None:
    case.messages[row[1]].append(row[2])


def _add_steps(case: Case, row: tuple[UUID, frozenset[str]]) -> None:
    case.steps = row[1]


def _add_shown(case: Case, shown: ShownOrder) -> None:
    case.shown = shown


def _add_decision(case: Case, row: tuple[UUID, str]) -> None:
    case.decision = row[1]
