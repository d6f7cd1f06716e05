"""Gathers, for every order, what each context says of it: the cases that the audit judges."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from uuid import UUID

from inventory.queries import OrderStockFacts, order_stock_facts
from notifications.queries import kinds_by_order
from orders.queries import AcceptedOrder, accepted_orders
from payments.queries import Balance, balances
from shipping.queries import ParcelFacts, parcels
from shop.messaging.contracts import Event
from shop.messaging.queries import event_counts

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
    def kept(self) -> Decimal:
        """What the shop has of the customer's money."""
        return sum((balance.kept for balance in self.balances), Decimal(0))

    def says(self, event: type[Event]) -> int:
        """How often the log has this event of it."""
        return self.events[event.type]


def cases(*, moving: frozenset[UUID]) -> Iterator[Case]:
    """Every order that any context knows of; ``moving`` are those with events that are not consumed yet."""
    known: dict[UUID, Case] = {}

    def case(order_id: UUID) -> Case:
        return known.setdefault(order_id, Case(order_id, is_quiet=order_id not in moving))

    for order in accepted_orders():
        case(order.id).order = order
    for order_id, type_, count in event_counts():
        case(order_id).events[type_] = count
    for facts in order_stock_facts():
        case(facts.order_id).stock = facts
    for balance in balances():
        case(balance.order_id).balances.append(balance)
    for parcel in parcels():
        case(parcel.order_id).parcels.append(parcel)
    for order_id, kind, state in kinds_by_order():
        case(order_id).messages[kind].append(state)
    yield from known.values()
