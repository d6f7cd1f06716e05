"""Positions and lag of the projections: told from log and inbox, over REST and in the admin."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.db.models import Max
from django.urls import reverse
from rest_framework.test import APIClient

from analytics import positions
from analytics.models import Projection
from analytics.registry import ORDERS
from shop.messaging import lag
from shop.messaging.models import DeadLetter, EventRecord
from tests.support.rights import staff_with
from tests.unit.analytics.facts import Story, logged
from tests.unit.analytics.support import consume

pytestmark = pytest.mark.django_db


@pytest.fixture
def api():
    client = APIClient()
    client.force_authenticate(staff_with("analytics.view_projection"))
    return client


def just_now() -> datetime:
    return datetime.now(UTC) - timedelta(seconds=90)


def position_of(event) -> int:
    return EventRecord.objects.get(id=event.meta.id).position


def end_of_log() -> int:
    return EventRecord.objects.aggregate(end=Max("position"))["end"]


def test_a_projection_that_has_consumed_everything_has_no_lag():
    consume(logged(Story(just_now()).delivered()))
    found = positions.lag(ORDERS)
    assert (found.position, found.waiting, found.age) == (end_of_log(), 0, timedelta(0))


def test_the_oldest_waiting_event_tells_position_and_lag():
    events = logged(Story(just_now()).placed(), Story(just_now()).placed(), Story(just_now()).placed())
    consume([events[0], events[2]])
    [projection] = positions.progress()
    assert projection.lag.position == position_of(events[1]) - 1
    assert projection.lag.end == position_of(events[2])
    assert projection.lag.waiting == 1
    assert timedelta(seconds=89) < projection.lag.age < timedelta(seconds=180)


def test_a_dead_letter_is_no_lag_and_is_told():
    [event] = logged(Story(just_now()).placed())
    DeadLetter.objects.create(
        cause="failed", app="analytics", type=event.type, event_id=event.meta.id, aggregate_id=event.order_id,
        consumer="analytics.when_order_created_count_what_was_ordered", body="{}", error_type="", error="",
    )  # fmt: skip
    [projection] = positions.progress()
    assert (projection.lag.waiting, projection.lag.open_dead_letters) == (0, 1)


def test_searches_begin_after_what_is_surely_consumed(monkeypatch):
    consume(logged(Story(just_now()).placed()))
    positions.note_checked_positions()
    assert Projection.objects.get().checked_to == 0, "an event may still appear before so young a one"

    monkeypatch.setattr(lag, "SETTLED", timedelta(seconds=-1))
    positions.note_checked_positions()
    assert Projection.objects.get().checked_to == end_of_log()
    [late] = logged(Story(just_now()).placed())
    positions.note_checked_positions()
    assert Projection.objects.get().checked_to == position_of(late) - 1
    assert positions.lag(ORDERS).waiting == 1


def test_projections_over_rest(api):
    consume(logged(Story(just_now()).placed())[:0])
    [projection] = api.get(reverse("analytics-projections")).json()
    assert projection.pop("lag_seconds") >= 89
    assert projection == {
        "name": "orders",
        "version": ORDERS.newest,
        "newest_version": ORDERS.newest,
        "read_models": ["orderfact", "dailysales", "productsales", "productrevenue"],
        "rebuilt_at": None,
        "position": end_of_log() - 1,
        "log_position": end_of_log(),
        "events_waiting": 1,
        "open_dead_letters": 0,
        "beside": None,
    }


def test_projections_in_the_admin(client):
    logged(Story(just_now()).placed())
    client.force_login(staff_with("analytics.view_projection"))
    page = client.get(reverse("admin:analytics_projection_changelist")).content.decode()
    assert re.search(rf"field-position\b[^>]*>\s*{end_of_log() - 1}\s*<", page)
    assert re.search(r"field-events_waiting\b[^>]*>\s*1\s*<", page)
    assert client.get(reverse("admin:analytics_projection_change", args=["orders"])).status_code == 200
