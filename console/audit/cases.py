"""Gathers, for every order, what each context says of it: the cases that the audit judges."""

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

from analytics.queries import steps_by_order
from inventory.queries import OrderStockFacts, order_stock_facts
from notifications.queries import kinds_by_order
from orders.queries import AcceptedOrder, accepted_orders
from payments.queries import Balance, balances
from shipping.queries import ParcelFacts, parcels
from shop.messaging.contracts import Event, newest
from shop.messaging.event_log import event_counts

#: Statuses in which an order has an end, or is on its way to the customer: its books must be closed.
SHIPPED = frozenset({"shipped", "delivered"})
SETTLED = SHIPPED | {"cancelled"}
#: Statuses in which an order waits for somebody's answer.
MOVING = frozenset({"placed", "paid", "in_fulfilment", "cancelling"})


@dataclass
class Case:
    """All that the contexts say of one order."""

    order_id: UUID
    #: None if orders never accepted it.
    order: AcceptedOrder | None = None
    #: Type of event -> how often the log has it.
    events: Counter[str] = field(default_factory=Counter)
    stock: OrderStockFacts | None = None
    balances: list[Balance] = field(default_factory=list)
    parcels: list[ParcelFacts] = field(default_factory=list)
    #: Kind of message -> the states of its rows.
    messages: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    #: The steps that the figures show.
    steps: frozenset[str] = frozenset()
    #: Analytics takes all events about it; operators discarded none.
    is_counted: bool = True
    #: All events about it are consumed by all who subscribed: nothing is under way.
    is_quiet: bool = True

    @property
    def about(self) -> str:
        return self.order.number if self.order else f"order {self.order_id}"

    @property
    def status(self) -> str:
        return self.order.status if self.order else ""

    @property
    def is_settled(self) -> bool:
        """Whether its books must be closed."""
        return self.is_quiet and self.status in SETTLED

    @property
    def has_all_messages(self) -> bool:
        """Whether it is so young that none of its messages can have been pruned."""
        horizon = timezone.now() - settings.SHOP_NOTIFICATION_RETENTION
        return self.order is not None and self.order.placed_at > horizon

    @property
    def kept(self) -> Decimal:
        """What the shop has of the customer's money."""
        return sum((balance.kept for balance in self.balances), Decimal(0))

    def says(self, event: type[Event]) -> int:
        """How often the log has this event of it."""
        return self.events[newest(event).type]


def cases(*, moving: frozenset[UUID]) -> Iterator[Case]:
    """Every order that any context knows of; ``moving`` are those with events that are not consumed yet."""
    for order_id, facts in groupby(merge(*_streams(), key=itemgetter(0)), key=itemgetter(0)):
        case = Case(order_id, is_quiet=order_id not in moving)
        for _, add, fact in facts:
            add(case, fact)
        yield case


#: An order's id, what one context says of it, and how that gets into its case.
Said = tuple[UUID, Callable[[Case, Any], None], Any]


def _streams() -> list[Iterator[Said]]:
    """What each context says, by order: all orders are never in memory at once."""
    return [
        ((order.id, _add_order, order) for order in accepted_orders()),
        ((row[0], _add_event, row) for row in event_counts()),
        ((facts.order_id, _add_stock, facts) for facts in order_stock_facts()),
        ((balance.order_id, _add_balance, balance) for balance in balances()),
        ((parcel.order_id, _add_parcel, parcel) for parcel in parcels()),
        ((row[0], _add_message, row) for row in kinds_by_order()),
        ((row[0], _add_steps, row) for row in steps_by_order()),
    ]


def _add_order(case: Case, order: AcceptedOrder) -> None:
    case.order = order


def _add_event(case: Case, row: tuple[UUID, str, int]) -> None:
    case.events[row[1]] += row[2]


def _add_stock(case: Case, facts: OrderStockFacts) -> None:
    case.stock = facts


def _add_balance(case: Case, balance: Balance) -> None:
    case.balances.append(balance)


def _add_parcel(case: Case, parcel: ParcelFacts) -> None:
    case.parcels.append(parcel)


def _add_message(case: Case, row: tuple[UUID, str, str]) -> None:
    case.messages[row[1]].append(row[2])


def _add_steps(case: Case, row: tuple[UUID, frozenset[str]]) -> None:
    case.steps = row[1]
