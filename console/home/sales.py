"""Sales of today beside yesterday and the same weekday of the week before, with a line of 14 days."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from django.utils.formats import number_format
from django.utils.translation import gettext

from analytics.queries import DayOfSales
from console import charts
from console.sales.days import days_by_currency, totals_of
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
    found = days_by_currency(today - timedelta(days=DAYS - 1), today)
    return [_sales(currency, days) for currency, days in found]


def _sales(currency: str, days: Sequence[DayOfSales]) -> Sales:
    compared = [totals_of(currency, [day]) for day in (days[-1], days[-2], days[-8])]
    rows = (
        (gettext("Orders"), *(number_format(day.orders, force_grouping=True) for day in compared)),
        (gettext("Net revenue"), *(day.text(day.revenue) for day in compared)),
        (gettext("Average order"), *(day.text(day.average) for day in compared)),
        (gettext("Refunds"), *(day.text(day.refunded) for day in compared)),
    )
    shown = [Day(day.day, day.orders_placed, number_format(as_text(day.revenue, currency))) for day in days]
    points = charts.line([day.revenue for day in days], width=WIDTH, height=HEIGHT)
    return Sales(currency, [Figure(*row) for row in rows], shown, points)
