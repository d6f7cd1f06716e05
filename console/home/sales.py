"""Sales of today beside yesterday and the same weekday of the week before, with a line of 14 days."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from analytics.queries import DayOfSales, daily_sales
from console import charts
from shop.currencies import as_text

#: Days of the line.
DAYS = 14
#: Size of the line, in its own units.
WIDTH, HEIGHT = 280, 64


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of today, of yesterday and of the same weekday a week ago."""

    title: str
    today: str
    yesterday: str
    week_ago: str


@dataclass(frozen=True, slots=True)
class Day:
    """A day of the line."""

    day: date
    orders: int
    revenue: str


@dataclass(frozen=True, slots=True)
class Sales:
    """Sales in one currency."""

    currency: str
    figures: Sequence[Figure]
    days: Sequence[Day]
    #: Points of the line of net revenue, for an SVG's ``polyline``.
    points: str
    width: int = WIDTH
    height: int = HEIGHT


def sales(today: date | None = None) -> list[Sales]:
    """Return the sales of the past days (UTC) by currency, that with most orders first."""
    today = today or datetime.now(UTC).date()
    found = daily_sales(since=today - timedelta(days=DAYS - 1), until=today)
    currencies = {one.currency for one in found}
    by_orders = sorted(currencies, key=lambda c: (-sum(d.orders_placed for d in found if d.currency == c), c))
    return [
        _sales(currency, today, {d.day: d for d in found if d.currency == currency}) for currency in by_orders
    ]


def _sales(currency: str, today: date, by_day: dict[date, DayOfSales]) -> Sales:
    days = [
        by_day.get(today - timedelta(days=ago), _empty(today - timedelta(days=ago), currency))
        for ago in range(DAYS - 1, -1, -1)
    ]
    compared = (days[-1], days[-2], days[-8])
    rows = (
        ("Orders", *(f"{day.orders_placed:,}" for day in compared)),
        ("Net revenue", *(as_text(day.revenue, currency) for day in compared)),
        ("Average order", *(_average(day) for day in compared)),
        ("Refunds", *(as_text(day.revenue_refunded, currency) for day in compared)),
    )
    shown = [Day(day.day, day.orders_placed, as_text(day.revenue, currency)) for day in days]
    return Sales(
        currency,
        [Figure(*row) for row in rows],
        shown,
        charts.line([day.revenue for day in days], width=WIDTH, height=HEIGHT),
    )


def _average(day: DayOfSales) -> str:
    """Return captured revenue by paid order; a dash if none was paid."""
    if not day.orders_paid:
        return "–"
    return as_text((day.revenue_captured / day.orders_paid).quantize(Decimal("0.01")), day.currency)


def _empty(day: date, currency: str) -> DayOfSales:
    return DayOfSales(day, currency, 0, 0, 0, 0, 0, Decimal(0), Decimal(0))
