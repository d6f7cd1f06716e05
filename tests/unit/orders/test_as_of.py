"""An order as of one of its events: over REST and on its page in the admin."""

import pytest
from django.test import Client
from django.urls import reverse

from orders import services
from orders.erasure import NEUTRAL
from orders.models import Order
from shop.messaging.models import DeadLetter, EventRecord
from shop.messaging.publishing import publish, unit_of_work
from tests.unit.orders.rest import ORDERS
from tests.unit.orders.test_following import NEWS, tell

pytestmark = pytest.mark.django_db

#: Status after each event of ``travelled``.
WAY = ["placed", "paid", "cancelling", "cancelling", "shipped", "needs_attention", "settled"]


@pytest.fixture
def travelled(order) -> Order:
    """An order whose cancellation came too late, and whose parcel came back."""
    tell(order, "paid")
    services.request_cancellation(order_id=order.pk, reason="customer")
    tell(order, "deducted", "shipped", "undeliverable")
    services.settle_order(order_id=order.pk, reason="a new parcel is on its way")
    order.refresh_from_db()
    return order


def read(client, order, at=None):
    return client.get(f"{ORDERS}/{order.pk}" + (f"?at={at}" if at is not None else ""))


def test_the_order_is_shown_as_of_each_of_its_events(travelled, as_ada):
    now = read(as_ada, travelled).json()
    count = EventRecord.objects.filter(aggregate_id=travelled.pk).count()
    shown = [read(as_ada, travelled, at).json() for at in range(1, count + 1)]
    assert [body["status"] for body in shown] == [*WAY[:5], "shipped", *WAY[5:]]
    assert [body["reason"] for body in shown][2:5] == ["customer", "customer", ""]
    assert [body["cancellable"] for body in shown] == [True, True, *[False] * (count - 2)]
    assert shown[-1] == now
    assert all(body.keys() == now.keys() and body["lines"] == now["lines"] for body in shown)


def test_the_timeline_names_the_numbers(travelled, as_ada):
    timeline = as_ada.get(f"{ORDERS}/{travelled.pk}/timeline").json()
    assert [entry["sequence"] for entry in timeline] == list(range(1, len(timeline) + 1))


@pytest.mark.parametrize("at", ["0", "-1", "1.5", "one", "99999999999999999999"])
def test_what_is_no_number_is_refused(order, as_ada, at):
    answer = read(as_ada, order, at)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    assert answer.json()["errors"][0]["field"] == "at"


def test_an_event_that_there_is_not_is_not_found(order, as_ada):
    answer = read(as_ada, order, 2)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert answer.json()["detail"] == f"{order.number} has no event 2: its events are numbered from 1."


def test_the_past_of_others_does_not_exist(order, as_bob):
    assert read(as_bob, order, 1).status_code == 404


def test_what_is_erased_is_erased_in_the_past_too(travelled, as_olga):
    Order.objects.filter(pk=travelled.pk).update(**NEUTRAL)
    past = read(as_olga, travelled, 1).json()
    assert past["customer"] == read(as_olga, travelled).json()["customer"]
    assert "Lovelace" not in str(past)


def test_an_event_that_an_operator_discarded_never_happened_to_the_order(order, as_ada):
    with unit_of_work():
        event = publish(NEWS["shipped"](order.pk))
    assert read(as_ada, order, 2).json()["status"] == "shipped"
    DeadLetter.objects.create(
        status="discarded", cause="failed", app="orders", body="{}",
        consumer="orders.when_order_shipped_mark_it_shipped",
        type=event.type, event_id=event.meta.id, aggregate_id=order.pk,
    )  # fmt: skip
    assert read(as_ada, order, 2).json()["status"] == "placed"


def test_what_is_shown_is_not_stored(travelled, as_ada):
    read(as_ada, travelled, 1)
    assert Order.objects.get(pk=travelled.pk).status == "settled"


# --- Admin ---


@pytest.fixture
def operator(olga) -> Client:
    client = Client()
    client.force_login(olga)
    return client


def page(order):
    return reverse("admin:orders_order_change", args=[order.pk])


def test_the_page_shows_the_order_as_of_an_event_and_offers_no_act(order, operator):
    tell(order, "paid", "deducted")
    past = operator.get(page(order), {"at": 2}).content.decode()
    assert "As of event 2" in past
    assert 'class="status status-paid"' in past
    assert "Cancel order" not in past
    now = operator.get(page(order)).content.decode()
    assert "As of event" not in now
    assert 'class="status status-in_fulfilment"' in now
    assert "Cancel order" in now
    assert 'href="?at=2"' in now, "the timeline leads there"


@pytest.mark.parametrize("at", ["0", "x", "7", "1e3", "99999999999999999999"])
def test_the_page_says_that_there_is_no_such_event(order, operator, at):
    answer = operator.get(page(order), {"at": at}, follow=True)
    assert answer.redirect_chain == [(page(order), 302)]
    assert f"has no event {at}" in str(next(iter(answer.context["messages"])))
