"""Figures of a period in one currency, beside those of the period before."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from analytics.queries import DayOfSales, daily_sales
from console import charts
from shop.currencies import as_text

#: Size of the line of revenue, in its own units.
WIDTH, HEIGHT = 600, 120


@dataclass(frozen=True, slots=True)
class Period:
    """Days from ``since`` to ``until``, both included."""

    since: date
    until: date

    @property
    def days(self) -> list[date]:
        """All its days, oldest first."""
        return [self.since + timedelta(days=n) for n in range((self.until - self.since).days + 1)]

    @property
    def before(self) -> "Period":
        """The period of the same length before it."""
        return Period(self.since - timedelta(days=len(self.days)), self.since - timedelta(days=1))


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of a period, that of the period before, and the change."""

    title: str
    now: str
    before: str
    #: As in ``+12 %``; empty if there was nothing before.
    change: str


@dataclass(frozen=True, slots=True)
class DayRow:
    """A day as a row of the table."""

    day: date
    orders: int
    revenue: str
    refunded: str


@dataclass(frozen=True, slots=True)
class Sales:
    """Sales of a period in one currency."""

    currency: str
    figures: Sequence[Figure]
    rows: Sequence[DayRow]
    points: str
    width: int = WIDTH
    height: int = HEIGHT


def sales_of(period: Period) -> list[Sales]:
    """Return the sales of a period by currency, that with most orders first."""
    found = daily_sales(since=period.before.since, until=period.until)
    orders: dict[str, int] = {}
    for day in found:
        orders[day.currency] = orders.get(day.currency, 0) + day.orders_placed
    ranked = sorted(orders, key=lambda currency: (-orders[currency], currency))
    return [
        _sales(currency, period, [day for day in found if day.currency == currency]) for currency in ranked
    ]


def _sales(currency: str, period: Period, found: Sequence[DayOfSales]) -> Sales:
    by_day = {day.day: day for day in found}
    days = [by_day.get(day) or _empty(day, currency) for day in period.days]
    now, before = _totals(days), _totals([day for day in found if day.day < period.since])
    rows = [
        DayRow(
            day.day,
            day.orders_placed,
            as_text(day.revenue, currency),
            as_text(day.revenue_refunded, currency),
        )
        for day in days
    ]
    points = charts.line([day.revenue for day in days], width=WIDTH, height=HEIGHT)
    figures = [
        Figure(
            title,
            _text(title, now[title], currency),
            _text(title, before[title], currency),
            _change(now[title], before[title]),
        )
        for title in now
    ]
    return Sales(currency, figures, rows, points)


def _totals(days: Sequence[DayOfSales]) -> dict[str, Decimal]:
    captured = sum((day.revenue_captured for day in days), Decimal(0))
    paid = sum(day.orders_paid for day in days)
    return {
        "Orders": Decimal(sum(day.orders_placed for day in days)),
        "Net revenue": sum((day.revenue for day in days), Decimal(0)),
        "Average order": (captured / paid).quantize(Decimal("0.01")) if paid else Decimal(0),
        "Refunded": sum((day.revenue_refunded for day in days), Decimal(0)),
        "Cancelled orders": Decimal(sum(day.orders_cancelled for day in days)),
    }


def _text(title: str, value: Decimal, currency: str) -> str:
    return (
        f"{value:,.0f}" if title.endswith(("Orders", "orders")) else as_text(value, currency, thousands=",")
    )


def _change(now: Decimal, before: Decimal) -> str:
    return f"{(now - before) / before * 100:+.0f} %" if before else ""


def _empty(day: date, currency: str) -> DayOfSales:
    return DayOfSales(day, currency, 0, 0, 0, 0, 0, Decimal(0), Decimal(0))
