"""Figures over REST and in the admin, for staff."""

import pytest
from django.contrib.auth.models import Permission, User
from django.urls import reverse
from rest_framework.test import APIClient

from analytics import services
from analytics.models import DailySales
from tests.support.rights import staff_with
from tests.unit.analytics.facts import TODAY, TOMORROW, Story, stories
from tests.unit.analytics.support import consume

pytestmark = pytest.mark.django_db

PERIOD = {"since": str(TODAY), "until": str(TOMORROW)}


@pytest.fixture
def clerk():
    figures = ("dailysales", "productsales", "productrevenue", "orderfact")
    return staff_with(*(f"analytics.view_{name}" for name in figures))


@pytest.fixture
def api(clerk):
    client = APIClient()
    client.force_authenticate(clerk)
    return client


def test_daily_sales(api):
    consume(Story(tea=2).delivered().events)
    today = api.get(reverse("analytics-daily-sales"), PERIOD).json()[-1]
    assert today == {
        "day": "2026-03-04",
        "currency": "EUR",
        "orders_placed": 1,
        "orders_paid": 1,
        "orders_shipped": 0,
        "orders_delivered": 0,
        "orders_cancelled": 0,
        "captured": {"amount": "20.00", "currency": "EUR"},
        "refunded": {"amount": "0.00", "currency": "EUR"},
        "revenue": {"amount": "20.00", "currency": "EUR"},
        "returns_requested": 0,
        "returns_approved": 0,
        "returns_rejected": 0,
        "returns_received": 0,
    }
    assert api.get(reverse("analytics-daily-sales"), {**PERIOD, "currency": "USD"}).json() == []


def test_best_sellers(api):
    consume([event for story in stories(7) for event in story.events])
    url = reverse("analytics-best-sellers")
    first, *_ = api.get(url, {"by": "ordered", "limit": 1}).json()
    assert first["sku"] == "tea"
    assert {money["currency"] for money in first["ordered"]} == {"EUR", "USD"}


def test_funnel_and_step_times(api):
    consume(Story().shipped().events)
    funnel = api.get(reverse("analytics-funnel"), PERIOD).json()
    assert funnel[0] == {"step": "placed", "orders": 1, "share": 1.0}
    times = api.get(reverse("analytics-step-times"), PERIOD).json()
    assert times[0] == {"since": "placed", "until": "paid", "orders": 1, "p50": 300.0, "p99": 300.0}
    assert {time["p50"] for time in times if time["until"] == "delivered"} == {None}


def test_without_a_period_it_is_the_last_30_days(api):
    assert api.get(reverse("analytics-funnel")).status_code == 200
    assert api.get(reverse("analytics-daily-sales")).json() == []


@pytest.mark.parametrize(
    ("name", "query", "message"),
    [
        ("analytics-funnel", {"since": "2026-03-05", "until": "2026-03-04"}, "not after until"),
        ("analytics-funnel", {"since": "yesterday"}, "since"),
        ("analytics-funnel", {"form": "2026-03-05"}, "form: Unknown parameter: remove it."),
        ("analytics-best-sellers", {"by": "colour"}, "colour"),
        ("analytics-best-sellers", {"limit": "100000"}, "limit"),
        ("analytics-daily-sales", {"currency": "euro"}, "currency"),
    ],
)
def test_invalid_parameters_are_refused(api, name, query, message):
    response = api.get(reverse(name), query)
    assert response.status_code == 400
    assert message in response.json()["detail"]


def test_figures_are_for_staff(client):
    customer = User.objects.create_user("carol")
    for name in ("daily-sales", "best-sellers", "funnel", "step-times"):
        url = reverse(f"analytics-{name}")
        anonymous, api = APIClient(), APIClient()
        api.force_authenticate(customer)
        assert anonymous.get(url).status_code == 401
        assert api.get(url).status_code == 403


# --- Admin -----------------------------------------------------------------------------------


@pytest.fixture
def operator():
    user = User.objects.create_user("olga", is_staff=True)
    user.user_permissions.add(*Permission.objects.filter(content_type__app_label="analytics"))
    return user


def test_the_admin_shows_the_figures_and_changes_none(client, operator):
    consume(Story().delivered().events)
    client.force_login(operator)
    for model in ("dailysales", "productsales", "productrevenue", "orderfact", "journalentry"):
        assert client.get(reverse(f"admin:analytics_{model}_changelist")).status_code == 200
        assert client.get(reverse(f"admin:analytics_{model}_add")).status_code == 403


def test_an_operator_has_a_worker_rebuild(client, operator, monkeypatch):
    sent = []

    def send_task(name, **options):
        sent.append((name, options))
        return type("Result", (), {"id": "01-task"})

    monkeypatch.setattr(services.current_app, "send_task", send_task)
    client.force_login(operator)
    page = client.get(reverse("admin:analytics_dailysales_changelist")).content.decode()
    assert "Rebuild from the log" in page

    response = client.post(reverse("admin:analytics_rebuild"), follow=True)
    assert "A worker rebuilds the figures" in response.content.decode()
    assert sent == [("analytics.rebuild", {"kwargs": {"by": "olga"}, "queue": "analytics", "retry": False})]


def test_a_broker_that_is_away_is_said_to_be(client, operator, monkeypatch):
    def send_task(name, **options):
        raise ConnectionRefusedError("nobody there")

    monkeypatch.setattr(services.current_app, "send_task", send_task)
    client.force_login(operator)
    response = client.post(reverse("admin:analytics_rebuild"), follow=True)
    assert "could not be started: nobody there" in response.content.decode()


def test_a_rebuild_needs_the_permission_and_a_click(client, operator, clerk):
    client.force_login(clerk)
    assert client.post(reverse("admin:analytics_rebuild")).status_code == 403
    client.force_login(operator)
    assert client.get(reverse("admin:analytics_rebuild")).status_code == 405


def test_figures_with_more_digits_than_any_order(api):
    """A currency of small coins, by the side of another one."""
    for quantity, currency in ((400, "EUR"), *[(100_000_000_000, "IRR")] * 3):
        consume(Story(currency=currency, tea=quantity).delivered().events)
    days = api.get(reverse("analytics-daily-sales"), PERIOD).json()
    captured = {
        day["currency"]: day["captured"]["amount"] for day in days if day["captured"]["amount"] != "0.00"
    }
    assert captured == {"EUR": "4000.00", "IRR": "3000000000000.00"}
    [tea] = api.get(reverse("analytics-best-sellers"), {"by": "ordered", "limit": 1}).json()
    assert tea["quantity_ordered"] == 300_000_000_400
    assert {money["currency"]: money["amount"] for money in tea["ordered"]} == captured


def test_figures_have_the_decimals_of_their_currency(api):
    consume(Story(currency="JPY", tea=2).delivered().events)
    today = api.get(reverse("analytics-daily-sales"), PERIOD).json()[-1]
    assert (today["captured"]["amount"], today["refunded"]["amount"]) == ("20", "0")


def test_a_day_counts_more_orders_than_an_integer_holds(api):
    consume(Story(tea=2).placed().events)
    DailySales.objects.update(orders_placed=2**31 - 1)
    consume(Story(tea=2).placed().events)
    assert api.get(reverse("analytics-daily-sales"), PERIOD).json()[-1]["orders_placed"] == 2**31
