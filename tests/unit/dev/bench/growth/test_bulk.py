"""Orders made in bulk equal placed ones, and no page over many orders reads more than it shows."""

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from console.audit import audit
from dev.bench.growth import orders as growth
from dev.bench.growth import pages
from dev.bench.growth.management.commands import make_orders
from notifications.models import Notification
from orders.models import Order
from orders.queries import statuses
from shop.messaging.models import EventRecord

#: All growing tables have more rows than a page may read; accounts and refunds are a tenth of the orders.
MOST_ROWS = 1100
ORDERS = 12_000
#: PostgreSQL plans the first five runs of a prepared statement separately.
RUNS_BEFORE_PLANS_STAY = 5
#: Prepared statements that are run by a plan for all values.
STAYING = "SELECT count(*) FROM pg_prepared_statements WHERE generic_plans > 0"


@pytest.fixture
def made(shop) -> None:
    call_command(make_orders.Command(), 200)


def test_the_audit_holds_after_copying(made):
    report = audit(idle=True)
    assert report.violations == []
    assert report.orders == {"delivered": 160, "cancelled": 40}


def test_copies_are_orders_of_their_own(made):
    patterns = Order.objects.filter(customer__username="customer-0").values_list("pk", flat=True)
    copies = Order.objects.exclude(pk__in=patterns)
    assert len(patterns) == 10
    assert not copies.filter(customer_name="Paula Pattern").exists()
    assert [order.pk for order in copies.order_by("placed_at")] == [
        order.pk for order in copies.order_by("pk")
    ]
    for event in EventRecord.objects.exclude(aggregate_id__in=patterns):
        assert "Pattern" not in str(event.data)
    (copy,) = copies.order_by("pk")[:1]
    created = EventRecord.objects.get(aggregate_id=copy.pk, sequence=1).data
    assert (created["number"], created["customer_id"]) == (copy.number, copy.customer_id)
    assert {n.number for n in Notification.objects.filter(order_id=copy.pk)} == {copy.number}


def test_no_orders_are_made_among_others_by_mistake(made):
    with pytest.raises(CommandError, match="there are orders already"):
        call_command(make_orders.Command(), 20)
    call_command(make_orders.Command(), 20, among_others=True)
    assert Order.objects.count() == 220
    assert audit(idle=True).holds


@pytest.mark.timeout(300)
def test_every_page_reads_a_page_of_rows(shop, monkeypatch):
    """The rows that each statement reads are counted by PostgreSQL."""
    monkeypatch.setattr("shop.messaging.admin_filters.LATEST", MOST_ROWS // 2)
    call_command(make_orders.Command(), ORDERS)
    growth._serve_alice()
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    with monkeypatch.context() as at_once:
        at_once.setattr(connection.connection, "prepare_threshold", 0)  # at the first run, not the fourth
        read = {page.name: most_read_by(page.run) for page in pages.page_operations(ORDERS)}
    with connection.cursor() as cursor:
        assert cursor.execute(STAYING).fetchone() > (0,)
    most_of = dict.fromkeys(pages.OF_A_PERIOD, ORDERS + MOST_ROWS)
    offenders = {name: most for name, most in read.items() if most[0] > most_of.get(name, MOST_ROWS)}
    assert offenders == {}, "\n".join(f"{n}: {m} {q[-400:]}" for n, (m, q) in offenders.items())
    assert set(statuses(list(Order.objects.values_list("pk", flat=True))).values()) == {
        "delivered",
        "cancelled",
    }


def most_read_by(act) -> tuple[int, str]:
    """Return the most rows read by one statement of ``act``, and the statement, on a warm connection.

    PostgreSQL plans a prepared statement for its values at first, and later once for all values.
    """
    for _ in range(RUNS_BEFORE_PLANS_STAY):
        act()
    reads = Reads()
    with connection.execute_wrapper(reads):
        act()
    return max(reads.read, default=(0, ""))


class Reads:
    """Counter of the rows that each statement scans, including discarded ones."""

    SCANNED = (
        "SELECT coalesce(sum(pg_stat_get_xact_tuples_returned(oid)), 0) FROM pg_class"
        " WHERE relkind IN ('r', 'i') AND relnamespace = 'public'::regnamespace"
    )

    def __init__(self) -> None:
        self.read: list[tuple[int, str]] = []

    def __call__(self, execute, sql, params, many, context):
        before = self._scanned()
        try:
            return execute(sql, params, many, context)
        finally:
            self.read.append((self._scanned() - before, sql))

    def _scanned(self) -> int:
        with connection.connection.cursor() as cursor:
            return int(cursor.execute(self.SCANNED).fetchone()[0])
