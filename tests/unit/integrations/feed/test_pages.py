"""Pages of the feed as the web server answers them: who sees what, types, positions."""

import pytest
from django.contrib.auth.models import User

from orders.events import OrderCancelled
from shop.accounts.models import Guest
from shop.ids import uuid7
from shop.messaging.owners import owners_of
from tests.unit.integrations.feed.conftest import client_of
from tests.unit.integrations.happenings import CANCELLED, cancelled, resumed

pytestmark = pytest.mark.django_db
PATH = "/api/v1/events"
RESUMED = "orders.OrderResumed.v1"


def ids(page: dict) -> list[str]:
    return [one["event"]["id"] for one in page["results"]]


def test_pages_follow_each_other_without_gaps_or_repetitions(reader):
    api = reader()
    begin = api.get(f"{PATH}?after=now").json()["after"]
    events = [str(cancelled(taken_up=False).meta.id) for _ in range(5)]
    page = api.get(f"{PATH}?after={begin}&limit=2").json()
    assert page["has_more"]
    seen = ids(page)
    while page["has_more"]:
        page = api.get(page["next"]).json()
        seen += ids(page)
    assert seen == events
    assert ids(api.get(page["next"]).json()) == []


def test_an_event_is_the_message_that_webhooks_send(reader):
    event = cancelled(taken_up=False)
    results = reader().get(PATH).json()["results"]
    [found] = [one for one in results if one["event"]["id"] == str(event.meta.id)]
    assert found["event"]["specversion"] == "1.0"
    assert found["event"]["type"] == CANCELLED
    assert found["event"]["subject"] == str(event.order_id)
    assert found["event"]["data"] == event.model_dump(mode="json")


def test_types_choose_events_and_versions(reader, place):
    api = reader()
    order = place("ada")
    resumed(order.pk)
    assert {one["event"]["type"] for one in api.get(f"{PATH}?types={RESUMED}").json()["results"]} == {RESUMED}
    chosen = api.get(f"{PATH}?types={RESUMED},orders.OrderCreated.v2").json()["results"]
    assert [one["event"]["type"] for one in chosen] == ["orders.OrderCreated.v2", RESUMED]
    assert "customer_name" not in chosen[0]["event"]["data"]
    assert chosen[0]["event"]["data"]["personal"]


def test_a_customer_sees_his_own_orders_and_no_data(reader, place):
    mine, other = place("ada"), place("bob")
    page = client_of(mine.customer, "events:read").get(PATH).json()
    assert {one["event"]["subject"] for one in page["results"]} == {str(mine.pk)}
    assert all("data" not in one["event"] for one in page["results"])
    assert client_of(mine.customer).get(f"/api/v1/orders/{other.pk}/events").status_code == 404
    own = client_of(other.customer).get(f"/api/v1/orders/{other.pk}/events").json()
    assert {one["event"]["subject"] for one in own["results"]} == {str(other.pk)}


def test_a_claimed_order_is_in_the_feed_of_its_claimant_alone(reader, place):
    order, other, mine = place("ghost"), place("bob"), place("grace")
    Guest.objects.create(user=order.customer, email="grace@example.com", claimed_by=mine.customer)
    grace, bob = (client_of(customer, "events:read") for customer in (mine.customer, other.customer))
    subjects = {one["event"]["subject"] for one in grace.get(PATH).json()["results"]}
    assert subjects == {str(order.pk), str(mine.pk)}
    assert {one["event"]["subject"] for one in bob.get(PATH).json()["results"]} == {str(other.pk)}
    events = f"/api/v1/orders/{order.pk}/events"
    assert client_of(mine.customer).get(events).json()["results"]
    assert client_of(other.customer).get(events).status_code == 404
    assert owners_of([order.pk]) == {order.pk: mine.customer_id}  # by which streams choose


def test_staff_without_the_permission_see_the_orders_of_others_no_more_than_customers(reader, place):
    order = place("ada")
    clerk = client_of(User.objects.create_user("clara", is_staff=True))
    assert clerk.get(PATH).json()["results"] == []
    assert clerk.get(f"/api/v1/orders/{order.pk}/events").status_code == 404
    assert reader().get(f"/api/v1/orders/{order.pk}/events").json()["results"]


def test_the_scope_of_a_key_is_one_of_its_own(reader):
    assert reader("anna", scopes=("orders:read", "integrations:read")).get(PATH).status_code == 403
    assert reader("ben", scopes=()).get(PATH).status_code == 200


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("after=-1", "after"),
        ("after=999999999999", "after"),
        ("types=orders.Unknown.v1", "types"),
        ("wait=31", "wait"),
        ("limit=0", "limit"),
        ("until=3", "until"),
    ],
)
def test_what_cannot_be_right_is_refused(reader, query, field):
    cancelled(taken_up=False)
    refused = reader().get(f"{PATH}?{query}")
    assert refused.status_code == 400
    assert [error["field"] for error in refused.json()["errors"]] == [field]


def test_a_stream_is_refused_where_nothing_serves_it(reader):
    refused = reader().get(PATH, headers={"Accept": "text/event-stream"})
    assert refused.status_code == 503
    assert refused["Content-Type"] == "application/problem+json"


def test_events_about_no_order_are_for_integrators_alone(reader):
    unknown = OrderCancelled(order_id=uuid7(), number="ORD-9", reason="customer").order_id
    cancelled(unknown, taken_up=False)
    customer = reader("carl", is_staff=False)
    assert customer.get(PATH).json()["results"] == []
    assert str(unknown) in {one["event"]["subject"] for one in reader().get(PATH).json()["results"]}
