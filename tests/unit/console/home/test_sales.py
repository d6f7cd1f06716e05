"""Today's sales stand beside those of yesterday and of the same weekday a week ago."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from analytics.models import DailySales
from console.home.sales import DAYS, HEIGHT, sales

pytestmark = pytest.mark.django_db

TODAY = date(2026, 11, 27)


def sold(days_ago: int, orders: int, captured: str, *, refunded: str = "0", currency: str = "EUR") -> None:
    DailySales.objects.create(
        day=TODAY - timedelta(days=days_ago),
        currency=currency,
        orders_placed=orders,
        orders_paid=orders,
        revenue_captured=Decimal(captured),
        revenue_refunded=Decimal(refunded),
    )


def test_figures_are_compared_with_yesterday_and_the_week_before():
    sold(0, 4, "100.00", refunded="10.00")
    sold(1, 2, "50.00")
    sold(7, 1, "20.00")
    (shown,) = sales(TODAY)
    rows = {figure.title: (figure.today, figure.yesterday, figure.week_ago) for figure in shown.figures}
    assert rows["Orders"] == ("4", "2", "1")
    assert rows["Net revenue"] == ("90.00", "50.00", "20.00")
    assert rows["Average order"] == ("25.00", "25.00", "20.00")
    assert rows["Refunds"] == ("10.00", "0.00", "0.00")


def test_the_line_has_a_point_a_day_and_its_highest_at_the_top():
    sold(0, 1, "30.00")
    sold(13, 1, "15.00")
    sold(14, 1, "99.00")
    (shown,) = sales(TODAY)
    points = [point.split(",") for point in shown.points.split()]
    assert len(points) == len(shown.days) == DAYS
    assert (points[-1][1], points[0][1], points[1][1]) == ("0.0", f"{HEIGHT / 2:.1f}", f"{HEIGHT:.1f}")
    assert shown.days[0].revenue == "15.00"


def test_each_currency_is_shown_apart_the_busiest_first():
    sold(0, 1, "5", currency="JPY")
    sold(0, 3, "9.00")
    assert [(shown.currency, shown.figures[1].today) for shown in sales(TODAY)] == [
        ("EUR", "9.00"),
        ("JPY", "5"),
    ]


def test_a_day_without_paid_orders_has_no_average():
    sold(1, 1, "5.00")
    (shown,) = sales(TODAY)
    assert shown.figures[2].today == "–"
