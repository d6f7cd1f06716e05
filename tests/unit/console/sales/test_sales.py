"""Sales of a period stand beside those of the period before it, by currency."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import User

from analytics.models import DailySales
from console.sales.figures import Period, sales_of

pytestmark = pytest.mark.django_db

UNTIL = date(2026, 11, 27)
WEEK = Period(UNTIL - timedelta(days=6), UNTIL)


def sold(
    day: date, orders: int, captured: str, *, refunded: str = "0", currency: str = "EUR", **returns: int
) -> None:
    DailySales.objects.create(
        day=day,
        currency=currency,
        orders_placed=orders,
        orders_paid=orders,
        revenue_captured=Decimal(captured),
        revenue_refunded=Decimal(refunded),
        **returns,
    )


def test_the_period_before_is_as_long_and_ends_the_day_before():
    assert WEEK.before == Period(date(2026, 11, 14), date(2026, 11, 20))
    assert len(WEEK.before.days) == len(WEEK.days) == 7


def test_days_count_for_their_period_and_no_other():
    sold(WEEK.since, 2, "100.00", refunded="10.00")
    sold(WEEK.until, 2, "100.00")
    sold(WEEK.before.until, 2, "80.00")
    sold(WEEK.before.since - timedelta(days=1), 9, "900.00")
    (shown,) = sales_of(WEEK)
    found = by_title([*shown.figures, *shown.sent_back])
    assert found["Orders"] == ("4", "2", "+100 %")
    assert found["Net revenue"] == ("190.00", "80.00", "+138 %")
    assert found["Average order"] == ("50.00", "40.00", "+25 %")
    assert found["Refunded"] == ("10.00", "0.00", "")
    assert [row.orders for row in shown.rows] == [2, 0, 0, 0, 0, 0, 2]


def test_returns_stand_beside_those_of_the_period_before():
    sold(WEEK.since, 9, "90.00", returns_requested=3, returns_approved=2, returns_rejected=1)
    sold(WEEK.until, 0, "0.00", refunded="10.00", returns_received=2)
    sold(WEEK.before.until, 9, "90.00", returns_requested=2, returns_received=4)
    (shown,) = sales_of(WEEK)
    assert by_title(shown.sent_back) == {
        "Refunded": ("10.00", "0.00", ""),
        "Returns requested": ("3", "2", "+50 %"),
        "Returns approved": ("2", "0", ""),
        "Returns refused": ("1", "0", ""),
        "Returns received": ("2", "4", "-50 %"),
    }


def by_title(figures):
    return {figure.title: (figure.now, figure.before, figure.change) for figure in figures}


def test_currencies_are_never_added_up():
    sold(UNTIL, 1, "500", currency="JPY")
    sold(UNTIL, 2, "5.00")
    assert [(shown.currency, shown.figures[1].now) for shown in sales_of(WEEK)] == [
        ("EUR", "5.00"),
        ("JPY", "500"),
    ]


@pytest.mark.parametrize("days", ["", "7", "365", "-1", "x" * 50])
def test_the_page_takes_known_periods_alone(client, days):
    client.force_login(User.objects.create_superuser("olga", "olga@example.com", "correct horse"))
    sold(datetime.now(UTC).date(), 3, "30.00", returns_received=17)
    page = client.get("/admin/sales/", {"days": days})
    assert page.context["days"] == (int(days) if days in {"7", "365"} else 30)
    text = page.content.decode()
    assert "30.00" in text
    assert "Refunds and returns" in text
    assert "17" in text.partition("Returns received")[2][:100]
