"""Audits the whole shop: whether what the contexts say of each order, product and event fits together.

It reads one snapshot of the database, so that it may run beside a working shop. Orders with events under
way are held only to what must hold at every moment.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal

from django.db import connection, transaction

from console.audit.cases import MOVING, SHIPPED, Case, cases
from console.audit.figures import Totals
from console.audit.report import Report
from console.audit.rules import RULES
from inventory.queries import StockFacts, stock_facts
from shop.messaging.operations.queries import (
    Backlog,
    InboxGap,
    backlog,
    given_up,
    inbox_gaps,
    paused_consumers,
)

#: More than that many missing inbox rows are not looked for: the sky is falling then.
MOST_GAPS = 1_000_000


def audit(*, idle: bool = False) -> Report:
    """Audit everything; ``idle`` says that nothing should be under way at all."""
    report = Report()
    with _snapshot():
        gaps, under_way = inbox_gaps(limit=MOST_GAPS), backlog()
        report.gaps = gaps
        _audit_inbox(gaps, report)
        totals, uncounted = Totals(), given_up("analytics")
        for case in cases(moving=frozenset(gap.aggregate_id for gap in gaps)):
            case.is_counted = case.order_id not in uncounted
            _audit_order(case, report)
            totals.add(case)
            if idle and not under_way.reminders and case.status in MOVING:
                report.found("idle", case.about, f"it is {case.status}, and nothing will ever move it")
        products = list(stock_facts())
        _audit_products(products, report)
        if not uncounted and not any(gap.consumer.startswith("analytics.") for gap in gaps):
            for about, says in totals.differences(products):
                report.found("figures", about, says)
        _audit_backlog(under_way, report, idle=idle)
    return report


@contextmanager
def _snapshot() -> Iterator[None]:
    """A transaction that sees one moment and changes nothing; an open one is joined as it is."""
    is_outermost = not connection.in_atomic_block
    with transaction.atomic(), connection.cursor() as cursor:
        if is_outermost:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        yield


def _audit_inbox(gaps: Sequence[InboxGap], report: Report) -> None:
    """Every published event is consumed by everybody who subscribed to it."""
    by_consumer: defaultdict[str, list[InboxGap]] = defaultdict(list)
    for gap in gaps:
        by_consumer[gap.consumer].append(gap)
    for consumer, missing in sorted(by_consumer.items()):
        example = missing[0]
        says = f"events not consumed: {len(missing)}, as {example.type} of order {example.aggregate_id}"
        report.found("inbox", consumer, says)


def _audit_order(case: Case, report: Report) -> None:
    for name, rule in RULES.items():
        for says in rule(case):
            report.found(name, case.about, says, case)
    report.events += case.events.total()
    if case.order:
        report.orders[case.status] += 1
        if case.is_quiet and case.status in MOVING:
            report.resting.append(case.order)
        if case.is_settled:
            worth = case.order.total if case.status in SHIPPED else Decimal(0)
            report.kept[case.order.currency] += case.kept
            report.shipped[case.order.currency] += worth


def _audit_products(products: Sequence[StockFacts], report: Report) -> None:
    """Stock = initial - sold + restocked + adjusted, and never negative."""
    for product in products:
        report.products += 1
        if product.available < 0:
            report.found("stock", product.sku, f"{product.available} are available")
        if product.available != product.expected:
            moved = ", ".join(f"{kind} {n:+}" for kind, n in sorted(product.movements.items()))
            says = f"{product.available} are available, but {product.expected} should be: {moved}"
            report.found("stock", product.sku, says)
        if product.initial != product.movements.get("initial", 0):
            says = f"{product.initial} at first, but the first movement says otherwise"
            report.found("stock", product.sku, says)


def _audit_backlog(under_way: Backlog, report: Report, *, idle: bool) -> None:
    """Nothing waits when all is idle; what waits otherwise is told, and dead letters always."""
    waiting = {
        "unpublished events": under_way.unpublished,
        "events to be retried": under_way.retries,
        "parked events": under_way.parked,
        "events held for paused consumers": under_way.held,
    }
    for what, count in waiting.items():
        if count and idle:
            report.found("idle", "backlog", f"{what}: {count}")
        elif count:
            report.notes.append(f"{what}: {count}")
    report.notes += [f"{one.consumer} is paused: {one.error}" for one in paused_consumers()]
    if under_way.open_dead_letters:
        report.notes.append(f"open dead letters: {under_way.open_dead_letters}")
    if held_up := report.orders["needs_attention"]:
        report.notes.append(f"orders that need attention: {held_up}")
