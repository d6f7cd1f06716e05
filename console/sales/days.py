"""Days of sales by currency, without gaps, and their totals. Home and the page of sales compare them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from django.utils.formats import number_format

from analytics.queries import DayOfSales, daily_sales
from shop.currencies import as_text


@dataclass(frozen=True, slots=True)
class Returns:
    """Numbers of returns that reached each of their steps on some days."""

    requested: int
    approved: int
    refused: int
    received: int


@dataclass(frozen=True, slots=True)
class Totals:
    """Figures of some days in one currency."""

    currency: str
    orders: int
    revenue: Decimal
    #: Captured revenue by paid order; None if none was paid.
    average: Decimal | None
    refunded: Decimal
    cancelled: int
    returns: Returns

    def text(self, amount: Decimal | None) -> str:
        """Format an amount of them; None as a dash."""
        return "–" if amount is None else number_format(as_text(amount, self.currency), force_grouping=True)


def days_by_currency(since: date, until: date) -> list[tuple[str, list[DayOfSales]]]:
    """Return each day from ``since`` to ``until`` by currency, that with most orders first."""
    found: dict[str, dict[date, DayOfSales]] = {}
    for day in daily_sales(since=since, until=until):
        found.setdefault(day.currency, {})[day.day] = day
    wanted = [since + timedelta(days=n) for n in range((until - since).days + 1)]
    ranked = sorted(found, key=lambda one: (-sum(day.orders_placed for day in found[one].values()), one))
    return [
        (currency, [found[currency].get(day) or _empty(day, currency) for day in wanted])
        for currency in ranked
    ]


def totals_of(currency: str, days: Sequence[DayOfSales]) -> Totals:
    """Add days up."""
    captured = sum((day.revenue_captured for day in days), Decimal(0))
    paid = sum(day.orders_paid for day in days)
    return Totals(
        currency=currency,
        orders=sum(day.orders_placed for day in days),
        revenue=sum((day.revenue for day in days), Decimal(0)),
        average=(captured / paid).quantize(Decimal("0.01")) if paid else None,
        refunded=sum((day.revenue_refunded for day in days), Decimal(0)),
        cancelled=sum(day.orders_cancelled for day in days),
        returns=_returns_of(days),
    )


def _returns_of(days: Sequence[DayOfSales]) -> Returns:
    return Returns(
        requested=sum(day.returns_requested for day in days),
        approved=sum(day.returns_approved for day in days),
        refused=sum(day.returns_rejected for day in days),
        received=sum(day.returns_received for day in days),
    )


def _empty(day: date, currency: str) -> DayOfSales:
    return DayOfSales(day, currency, 0, 0, 0, 0, 0, Decimal(0), Decimal(0), 0, 0, 0, 0)
