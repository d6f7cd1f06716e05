"""Run of an audit: checks the invariants of all orders, products and events.

It reads one snapshot of the database, so it can run beside a working shop. Orders with unconsumed events
are held only to the invariants within one transaction.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from django.db import connection, transaction

from console.audit.aggregates import name_of
from console.audit.cases import IN_PROGRESS, Case, cases
from console.audit.figures import Totals
from console.audit.lost import lost
from console.audit.report import Report
from console.audit.rules import RULES
from inventory.queries import StockFacts, stock_facts
from shop.messaging.operations.paused import paused_consumers
from shop.messaging.operations.queries import (
    Backlog,
    InboxGap,
    aggregates_with_skipped_events,
    backlog,
    forged_messages,
    inbox_gaps,
    unlogged_consumptions,
)

#: Limit on the missing inbox rows that one audit loads.
MAX_GAPS = 1_000_000


def audit(*, idle: bool = False) -> Report:
    """Audit the whole shop.

    Args:
        idle: report everything still under way as a violation.
    """
    report = Report()
    with _snapshot():
        gaps, under_way = inbox_gaps(limit=MAX_GAPS), backlog()
        report.gaps = gaps
        _audit_inbox(gaps, report)
        _audit_origin(report)
        totals, uncounted = Totals(), aggregates_with_skipped_events("analytics")
        for case in cases(pending=frozenset(gap.aggregate_id for gap in gaps)):
            case.is_counted = case.order_id not in uncounted
            _audit_order(case, report)
            totals.add(case)
            if idle and not under_way.reminders and case.status in IN_PROGRESS:
                report.add("idle", case.subject, f"it is {case.status}, and nothing will ever move it")
        products = list(stock_facts())
        _audit_products(products, report)
        if not uncounted and not any(gap.consumer.startswith("analytics.") for gap in gaps):
            for subject, message in totals.differences(products):
                report.add("figures", subject, message)
        _audit_backlog(under_way, report, idle=idle)
    return report


@contextmanager
def _snapshot() -> Iterator[None]:
    """Open a read-only transaction on one snapshot; join a transaction that is open already."""
    is_outermost = not connection.in_atomic_block
    with transaction.atomic(), connection.cursor() as cursor:
        if is_outermost:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        yield


def _audit_inbox(gaps: Sequence[InboxGap], report: Report) -> None:
    """Check that every subscriber has consumed every published event."""
    by_consumer: defaultdict[str, list[InboxGap]] = defaultdict(list)
    for gap in gaps:
        by_consumer[gap.consumer].append(gap)
    for consumer, missing in sorted(by_consumer.items()):
        example = missing[0]
        about = f"{name_of(example.type)} {example.aggregate_id}"
        message = f"events not consumed: {len(missing)}, as {example.type} of {about}"
        report.add("inbox", consumer, message)


def _audit_origin(report: Report) -> None:
    """Check that every consumed event is in the log."""
    for one in unlogged_consumptions():
        message = f"consumed events that the log does not have: {one.events}, as {one.example}"
        report.add("origin", one.consumer, message)


def _audit_order(case: Case, report: Report) -> None:
    for name, rule in {"lost": lost}.items() if case.is_lost else RULES.items():
        for message in rule(case):
            report.add(name, case.subject, message, case)
    report.events += case.events.total()
    if case.order:
        report.orders[case.status] += 1
        if case.is_caught_up and case.status in IN_PROGRESS:
            report.waiting.append(case.order)
        if case.must_balance:
            report.kept[case.order.currency] += case.kept
            report.shipped[case.order.currency] += case.worth
        if case.is_caught_up and case.is_uncaptured:
            report.uncaptured.append(case.order)
        if case.is_caught_up and any(balance.provider_gave_more for balance in case.balances):
            report.given_back.append(case.order)


def _audit_products(products: Sequence[StockFacts], report: Report) -> None:
    """Check that available + reserved = initial - sold + restocked + adjusted, by ledger and by log."""
    for product in products:
        report.products += 1
        if product.available < 0:
            report.add("stock", product.sku, f"{product.available} are available")
        _audit_reserved(product, report)
        if product.on_hand != product.expected:
            moved = ", ".join(f"{kind} {n:+}" for kind, n in sorted(product.movements.items()))
            message = f"{product.on_hand} are on hand, but {product.expected} should be: {moved}"
            report.add("stock", product.sku, message)
        elif product.on_hand != product.by_events:
            message = f"{product.on_hand} are on hand, and {product.by_events} by its events"
            report.add("stock", product.sku, message)
        if product.initial != product.movements.get("initial", 0):
            message = f"{product.initial} at first, but the first movement says otherwise"
            report.add("stock", product.sku, message)


def _audit_reserved(product: StockFacts, report: Report) -> None:
    """Check that reserved is what orders hold, by their rows and by the log."""
    if product.reserved != product.reserved_for_orders:
        message = f"{product.reserved} are reserved, and {product.reserved_for_orders} by the orders"
        report.add("stock", product.sku, message)
    elif product.reserved != product.reserved_by_events:
        message = f"{product.reserved} are reserved, and {product.reserved_by_events} by its events"
        report.add("stock", product.sku, message)


def _audit_backlog(under_way: Backlog, report: Report, *, idle: bool) -> None:
    """Report waiting messages: as violations if the shop should be idle, otherwise as notes."""
    waiting = {
        "unpublished events": under_way.unpublished,
        "events to be retried": under_way.retries,
        "deferred events": under_way.deferred,
        "events held for paused consumers": under_way.held,
    }
    for name, count in waiting.items():
        if count and idle:
            report.add("idle", "backlog", f"{name}: {count}")
        elif count:
            report.notes.append(f"{name}: {count}")
    report.notes += [f"{one.consumer} is {one.text}" for one in paused_consumers()]
    if under_way.open_dead_letters:
        report.notes.append(f"open dead letters: {under_way.open_dead_letters}")
    if forged := sum(forged_messages().values()):
        report.notes.append(f"forged messages among them: {forged}")
    if held_up := report.orders["needs_attention"]:
        report.notes.append(f"orders that need attention: {held_up}")
