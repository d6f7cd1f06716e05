"""Report of an audit."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from uuid import UUID

from console.audit.cases import Case
from orders.queries import AcceptedOrder
from shop.messaging.operations.queries import (
    InboxGap,
)


@dataclass(frozen=True, slots=True)
class Violation:
    """Something that must never be."""

    #: The rule that it breaks, in a word.
    rule: str
    #: An order, a product, a consumer.
    about: str
    says: str
    order_id: UUID | None = None
    #: The order's.
    status: str = ""

    def __str__(self) -> str:
        return f"{self.rule:<8} {self.about}: {self.says}"


@dataclass
class Report:
    """What an audit found."""

    violations: list[Violation] = field(default_factory=list)
    #: What an operator should know, though it breaks no rule.
    notes: list[str] = field(default_factory=list)
    orders: Counter[str] = field(default_factory=Counter)
    products: int = 0
    events: int = 0
    #: What has not been consumed by whom.
    gaps: list[InboxGap] = field(default_factory=list)
    #: Orders that wait for somebody's answer, though all events about them are consumed.
    resting: list[AcceptedOrder] = field(default_factory=list)
    #: Currency -> what the shop keeps of shipped and ended orders, and what the shipped ones are worth.
    kept: defaultdict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    shipped: defaultdict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))

    @property
    def holds(self) -> bool:
        return not self.violations

    def found(self, rule: str, about: str, says: str, case: Case | None = None) -> None:
        order_id, status = (case.order_id, case.status) if case else (None, "")
        self.violations.append(Violation(rule, about, says, order_id, status))
