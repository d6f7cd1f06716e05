"""Aggregates per day and product: one upsert for each table, with rows sorted by key.

The tables are named without their schema, so that a rebuild can redirect the statements to shadow tables.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import connection

from analytics.measurements import Measurement

#: Day, currency and column -> amount to add.
Daily = defaultdict[tuple[date, str, str], Decimal]

COUNTS = ("orders_placed", "orders_paid", "orders_shipped", "orders_delivered", "orders_cancelled")
MONEY = ("revenue_captured", "revenue_refunded")
RETURNS = ("returns_requested", "returns_approved", "returns_rejected", "returns_received")


def _addition(columns: Sequence[str]) -> str:
    arrays = ", ".join(f"%b::{'numeric' if column in MONEY else 'bigint'}[]" for column in columns)
    return f"""
        INSERT INTO analytics_dailysales AS known (day, currency, {", ".join(columns)})
        SELECT * FROM unnest(%b::date[], %b::text[], {arrays})
        ON CONFLICT (day, currency) DO UPDATE
        SET {", ".join(f"{column} = known.{column} + excluded.{column}" for column in columns)}
    """  # noqa: S608 - of our own column names


#: Columns of days -> statement that adds to them. Returns are rare, so most batches leave theirs out.
_ADD_TO_DAYS = {columns: _addition(columns) for columns in ((*COUNTS, *MONEY), (*COUNTS, *MONEY, *RETURNS))}
_ADD_TO_PRODUCTS = """
    INSERT INTO analytics_productsales AS known
        (sku, name, named_at, quantity_ordered, quantity_sold, quantity_restocked)
    SELECT * FROM unnest(
        %b::text[], %b::text[], %b::timestamptz[], %b::bigint[], %b::bigint[], %b::bigint[]
    )
    ON CONFLICT (sku) DO UPDATE SET
        name = CASE
            WHEN excluded.named_at IS NULL THEN known.name
            WHEN known.named_at IS NULL THEN excluded.name
            WHEN (excluded.named_at, excluded.name COLLATE "C") > (known.named_at, known.name COLLATE "C")
                THEN excluded.name
            ELSE known.name
        END,
        named_at = greatest(known.named_at, excluded.named_at),
        quantity_ordered = known.quantity_ordered + excluded.quantity_ordered,
        quantity_sold = known.quantity_sold + excluded.quantity_sold,
        quantity_restocked = known.quantity_restocked + excluded.quantity_restocked
"""
_ADD_TO_REVENUE = """
    INSERT INTO analytics_productrevenue AS known (sku, currency, ordered)
    SELECT * FROM unnest(%b::text[], %b::text[], %b::numeric[])
    ON CONFLICT (sku, currency) DO UPDATE SET ordered = known.ordered + excluded.ordered
"""


@dataclass
class ProductTotals:
    """Totals of one product in a batch."""

    name: str = ""
    named_at: datetime | None = None
    ordered: int = 0
    sold: int = 0
    restocked: int = 0

    def rename(self, name: str, at: datetime) -> None:
        """Keep the newest name; of two of the same time the greater, so that their order does not matter."""
        if self.named_at is None or (at, name) > (self.named_at, self.name):
            self.name, self.named_at = name, at


def add_to_days(daily: Daily) -> None:
    """Add to the counts, the revenue and the returns of days."""
    changes = {key: change for key, change in daily.items() if change}
    columns = next(known for known in _ADD_TO_DAYS if {column for *_, column in changes} <= {*known})
    rows = [
        (day, currency, *(changes.get((day, currency, column), Decimal()) for column in columns))
        for day, currency in sorted({key[:2] for key in changes})
    ]
    execute(_ADD_TO_DAYS[columns], rows)


def add_to_products(measurements: Sequence[Measurement]) -> None:
    """Add to the ordered, sold and restocked quantities of products, and to their revenue."""
    products: defaultdict[str, ProductTotals] = defaultdict(ProductTotals)
    revenue: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for measurement in measurements:
        _add_up(measurement, products, revenue)
    rows = [
        (sku, totals.name, totals.named_at, totals.ordered, totals.sold, totals.restocked)
        for sku, totals in sorted(products.items())
    ]
    execute(_ADD_TO_PRODUCTS, rows)
    execute(_ADD_TO_REVENUE, [(*key, amount) for key, amount in sorted(revenue.items())])


def _add_up(
    measurement: Measurement,
    products: defaultdict[str, ProductTotals],
    revenue: defaultdict[tuple[str, str], Decimal],
) -> None:
    for line in measurement.ordered:
        products[line.sku].rename(line.name, measurement.at)
        products[line.sku].ordered += line.quantity
        revenue[line.sku, line.revenue.currency] += line.revenue.amount
    for moved in measurement.moved:
        products[moved.sku].sold += moved.sold
        products[moved.sku].restocked += moved.restocked


def execute(statement: str, rows: Sequence[Iterable[Any]]) -> None:
    """Execute a statement with one array for each column of the rows; no rows take none."""
    if rows:
        with connection.cursor() as cursor:
            cursor.execute(statement, [list(column) for column in zip(*rows, strict=True)])
