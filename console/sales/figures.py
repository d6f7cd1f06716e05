"""Figures of a period in one currency, beside those of the period before."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from django.utils.formats import number_format
from django.utils.translation import gettext

from analytics.queries import DayOfSales
from console import charts
from console.sales.days import Totals, days_by_currency, totals_of
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
    #: Refunds and returns.
    sent_back: Sequence[Figure]
    rows: Sequence[DayRow]
    points: str
    width: int = WIDTH
    height: int = HEIGHT


def sales_of(period: Period) -> list[Sales]:
    """Return the sales of a period by currency, that with most orders first."""
    found = days_by_currency(period.before.since, period.until)
    return [_sales(currency, days, len(period.days)) for currency, days in found]


def _sales(currency: str, found: Sequence[DayOfSales], length: int) -> Sales:
    days = found[length:]
    now, before = totals_of(currency, days), totals_of(currency, found[:length])
    revenue = [(day, number_format(as_text(day.revenue, currency))) for day in days]
    rows = [
        DayRow(day.day, day.orders_placed, text, number_format(as_text(day.revenue_refunded, currency)))
        for day, text in revenue
    ]
    points = charts.line([day.revenue for day in days], width=WIDTH, height=HEIGHT)
    return Sales(currency, _figures(now, before), _sent_back(now, before), rows, points)


def _figures(now: Totals, before: Totals) -> list[Figure]:
    return [
        _count(gettext("Orders"), now.orders, before.orders),
        _amount(gettext("Net revenue"), now, now.revenue, before.revenue),
        _amount(gettext("Average order"), now, now.average, before.average),
        _count(gettext("Cancelled orders"), now.cancelled, before.cancelled),
    ]


def _sent_back(now: Totals, before: Totals) -> list[Figure]:
    returns, earlier = now.returns, before.returns
    return [
        _amount(gettext("Refunded"), now, now.refunded, before.refunded),
        _count(gettext("Returns requested"), returns.requested, earlier.requested),
        _count(gettext("Returns approved"), returns.approved, earlier.approved),
        _count(gettext("Returns refused"), returns.refused, earlier.refused),
        _count(gettext("Returns received"), returns.received, earlier.received),
    ]


def _count(title: str, now: int, before: int) -> Figure:
    return Figure(
        title,
        number_format(now, force_grouping=True),
        number_format(before, force_grouping=True),
        _change(Decimal(now), Decimal(before)),
    )


def _amount(title: str, of: Totals, now: Decimal | None, before: Decimal | None) -> Figure:
    return Figure(title, of.text(now), of.text(before), _change(now, before))


def _change(now: Decimal | None, before: Decimal | None) -> str:
    return f"{(now - before) / before * 100:+.0f} %" if now is not None and before else ""
