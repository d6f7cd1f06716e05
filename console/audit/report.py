"""Report of an audit."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from uuid import UUID

from console.audit.cases import Case
from orders.queries import AcceptedOrder
from shop.messaging.operations.queries import InboxGap


@dataclass(frozen=True, slots=True)
class Violation:
    """Broken invariant."""

    #: Name of the broken rule.
    rule: str
    #: Order, product or consumer.
    subject: str
    message: str
    order_id: UUID | None = None
    #: Status of the order.
    status: str = ""

    def __str__(self) -> str:
        return f"{self.rule:<8} {self.subject}: {self.message}"


@dataclass
class Report:
    """Result of an audit."""

    violations: list[Violation] = field(default_factory=list)
    #: Conditions that break no rule but that an operator should know.
    notes: list[str] = field(default_factory=list)
    orders: Counter[str] = field(default_factory=Counter)
    products: int = 0
    events: int = 0
    #: Events that a subscriber has not consumed.
    gaps: list[InboxGap] = field(default_factory=list)
    #: Orders in progress although all events about them are consumed.
    waiting: list[AcceptedOrder] = field(default_factory=list)
    #: Orders of which the provider has given back more than payments know of.
    given_back: list[AcceptedOrder] = field(default_factory=list)
    #: Orders whose parcel has left and whose money is not taken.
    uncaptured: list[AcceptedOrder] = field(default_factory=list)
    #: By currency: money kept for settled orders, and value of the shipped ones.
    kept: defaultdict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    shipped: defaultdict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))

    @property
    def holds(self) -> bool:
        """True if no invariant is broken."""
        return not self.violations

    def add(self, rule: str, subject: str, message: str, case: Case | None = None) -> None:
        """Add a violation."""
        order_id, status = (case.order_id, case.status) if case else (None, "")
        self.violations.append(Violation(rule, subject, message, order_id, status))
