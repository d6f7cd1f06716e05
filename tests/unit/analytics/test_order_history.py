"""History of orders in the read model: content, status in any order of events, search, lag, permissions."""

import random
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.urls import reverse
from rest_framework.test import APIClient

from analytics.models import OrderFact
from analytics.order_history import having_status, placed_orders
from inventory.events import InventoryUpdated
from orders.events import OrderNeedsAttention, OrderResumed, OrderSettled
from payments.events import PaymentRefunded, RefundFailed
from shipping.events import DeliveryFailed, FulfilmentStopped, OrderDelivered
from shop.ids import uuid7
from shop.messaging.models import InboxEntry
from tests.support.rights import staff_with
from tests.unit.analytics.facts import Story, logged, money
from tests.unit.analytics.support import consume

pytestmark = pytest.mark.django_db
URL = "analytics-orders"


@pytest.fixture
def api():
    client = APIClient()
    client.force_authenticate(staff_with("analytics.view_orderfact"))
    return client


def numbers(response) -> list[str]:
    assert response.status_code == 200, response.content
    return [order["id"] for order in response.json()["results"]]


def held_up(story: Story, reason: str, stage: str | None) -> Story:
    return story.then(OrderNeedsAttention, number="ORD-1042", reason=reason, stage=stage)


def resumed(story: Story, reason: str) -> Story:
    return story.then(OrderResumed, number="ORD-1042", attention=reason)


def refund_failed(story: Story) -> Story:
    story.sold_out().events[-2:] = []
    story.then(RefundFailed, payment_id=story.payment_id, refund_id=uuid7(), amount=story.total, code="no")
    return held_up(story, "refund_failed", "cancelling")


def paid_back(story: Story, left: str) -> Story:
    return story.then(
        PaymentRefunded, payment_id=story.payment_id, refund_id=uuid7(), amount=story.total, left=money(left)
    )


LOST = ("delivery_overdue", "shipped")
STATUSES = {
    "placed": lambda s: s.placed(),
    "paid": lambda s: s.paid(),
    "in_fulfilment": lambda s: s.stocked(),
    "shipped": lambda s: s.too_late(),
    "delivered": lambda s: held_up(s.shipped(), *LOST).then(
        OrderDelivered, shipment_id=s.shipment_id, delivered_at=s.now
    ),
    "cancelled": lambda s: s.cancelled(),
    "cancelling": lambda s: resumed(
        held_up(s.paid().then(FulfilmentStopped, reason="customer"), "cancellation_overdue", None),
        "cancellation_overdue",
    ),
    "needs_attention": lambda s: held_up(s.paid(), "stock_overdue", "paid"),
    "needs_attention, disputed": lambda s: held_up(s.paid(), "disputed", "paid").then(
        InventoryUpdated, lines=()
    ),
    "needs_attention, again": lambda s: held_up(
        resumed(held_up(s.shipped(), *LOST), "delivery_overdue"), *LOST
    ),
    "needs_attention, anew": lambda s: held_up(
        held_up(s.shipped(), *LOST).then(DeliveryFailed, shipment_id=s.shipment_id, status="failure"),
        "delivery_failed",
        "shipped",
    ),
    "needs_attention, for a refund": lambda s: paid_back(refund_failed(s), "1.00"),
    "cancelling, paid back": lambda s: paid_back(refund_failed(s), "0.00"),
    "in_fulfilment, after all": lambda s: held_up(s.paid(), "stock_overdue", "paid").then(
        InventoryUpdated, lines=s.stock
    ),
    "shipped, resumed": lambda s: resumed(held_up(s.shipped(), *LOST), "delivery_overdue"),
    "settled": lambda s: held_up(s.shipped(), *LOST).then(
        OrderSettled, number="ORD-1042", attention="delivery_overdue", reason="lost"
    ),
}


@pytest.mark.parametrize("case", STATUSES)
def test_the_status_is_that_of_the_order_whatever_the_order_of_events(case):
    events = STATUSES[case](Story()).events
    for seed in range(3):
        OrderFact.objects.all()._raw_delete("default")
        shuffled = random.Random(seed).sample(events, len(events)) if seed else events
        InboxEntry.objects.all().delete()
        for event in shuffled:
            consume([event])
        assert placed_orders().get().status == case.split(",")[0], seed


def test_an_order_as_events_tell_of_it(api):
    story = Story(pot=1, tea=2).shipped()
    consume(logged(story))
    [order] = api.get(reverse(URL)).json()["results"]
    assert order.pop("steps").keys() == {"placed", "paid", "stocked", "shipped"}
    assert order == {
        "id": str(story.order_id),
        "number": "ORD-1042",
        "status": "shipped",
        "customer_id": 7,
        "total": {"amount": "30.00", "currency": "EUR"},
        "skus": ["pot", "tea"],
        "carrier": "UPS",
        "placed_at": "2026-03-04T23:45:00Z",
    }


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, "cba"),
        ({"status": "paid"}, "b"),
        ({"status": "delivered"}, "a"),
        ({"status": "cancelled"}, "c"),
        ({"status": ["cancelled", "paid"]}, "cb"),
        ({"status": "settled"}, ""),
        ({"sku": "pot"}, "ca"),
        ({"sku": "po"}, ""),
        ({"number": "ORD-1042"}, "cba"),
        ({"number": "ORD-104"}, ""),
        ({"customer": "7", "sku": "tea"}, "b"),
        ({"customer": "8"}, ""),
        ({"page_size": "1"}, "c"),
    ],
)
def test_search(api, query, found):
    stories = {
        "a": Story(pot=1).delivered(),
        "b": Story(tea=1).paid(),
        "c": Story(pot=2).declined(),
    }
    consume(logged(*stories.values()))
    assert numbers(api.get(reverse(URL), query)) == [str(stories[name].order_id) for name in found]


@pytest.mark.parametrize("query", [{"status": "lost"}, {"customer": "x"}, {"email": "a@b.c"}, {"sku": ""}])
def test_a_search_that_cannot_be_meant_is_refused(api, query):
    assert api.get(reverse(URL), query).status_code == 400


def test_an_order_whose_placing_is_not_known_yet_is_not_listed(api):
    consume(Story().paid().events[1:])
    assert numbers(api.get(reverse(URL))) == []


@pytest.mark.parametrize("name", [URL, "analytics-funnel", "analytics-daily-sales", "analytics-best-sellers"])
def test_an_answer_tells_its_lag(name):
    client = APIClient()
    figures = ("orderfact", "dailysales", "productsales", "productrevenue")
    client.force_authenticate(staff_with(*(f"analytics.view_{figure}" for figure in figures)))
    events = logged(Story(datetime.now(UTC) - timedelta(seconds=90)).placed())
    assert float(client.get(reverse(name))["X-Lag-Seconds"]) >= 90
    consume(events)
    assert client.get(reverse(name))["X-Lag-Seconds"] == "0.000"


def test_a_rare_status_is_found_by_an_index():
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO analytics_orderfact (order_id, currency, placed_at, delivered_at) "
            "SELECT gen_random_uuid(), 'EUR', now(), now() FROM generate_series(1, 3000)"
        )
        cursor.execute("ANALYZE analytics_orderfact")
    for status, index in (("paid", "orderfact_open"), ("settled", "orderfact_ended_otherwise")):
        plan = having_status(placed_orders(), [status]).order_by("-pk")[:50].explain()
        assert index in plan


def test_the_steps_of_an_order_but_the_last_touch_no_index():
    updates = []
    with connection.cursor() as cursor:  # an empty table: on a page that is full, no update is cheap
        cursor.execute("TRUNCATE analytics_orderfact")
    for event in Story().delivered().events:
        consume([event])
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_xact_user_tables"
                " WHERE relname = 'analytics_orderfact'"
            )
            updates.append(cursor.fetchone())
    begin = updates[0]
    assert [(all_ - begin[0], hot - begin[1]) for all_, hot in updates] == [
        (0, 0), (1, 1), (2, 2), (3, 3), (4, 3)
    ]  # fmt: skip
