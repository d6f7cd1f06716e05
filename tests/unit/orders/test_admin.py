"""Orders in the admin: everything is readable, and only legal, confirmed actions change an order."""

import csv

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from orders import list_columns
from orders.models import Order
from orders.notes.services import add_tag
from orders.states import Status
from shipping.models import Shipment
from tests.support import outcomes
from tests.support.inprocess import deliver_all

pytestmark = pytest.mark.django_db
LIST = "admin:orders_order_changelist"
#: Parts of the page that the console fills.
PANELS = ("standstill", "steps", "money", "timeline", "side")


@pytest.fixture(autouse=True)
def panels(settings, tmp_path):
    """Stand-ins for the console's panels on the page of an order."""
    (tmp_path / "console").mkdir()
    for part in PANELS:
        file = tmp_path / "console" / f"order_{part}.html"
        file.write_text(f"The {part} of {{{{ original.number }}}}")
    [engine] = settings.TEMPLATES
    settings.TEMPLATES = [engine | {"DIRS": [tmp_path, *engine["DIRS"]]}]


@pytest.fixture
def operator(client, olga):
    client.force_login(olga)
    return client


@pytest.fixture
def viewer(client):
    """A user with the view permission alone."""
    user = User.objects.create_user("vera", is_staff=True)
    views = Permission.objects.filter(content_type__app_label="orders", codename__startswith="view")
    user.user_permissions.set(views)
    client.force_login(user)
    return client


@pytest.fixture
def held_up(order, miss_deadline):
    outcomes.record_payments(order_ids=[order.pk])
    return miss_deadline(order)


def page(order, name="change"):
    return reverse(f"admin:orders_order_{name}", args=[order.pk])


def numbers(response):
    return [order.number for order in response.context["cl"].result_list]


def test_one_box_finds_orders_by_number_id_email_and_name(place, bob, operator):
    hers, his = place(), place(customer=bob)
    for term, found in (
        ("", [his, hers]),
        (hers.number, [hers]),
        (f" {his.serial} ", [his]),
        (str(hers.pk), [hers]),
        ("BOB@example", [his]),
        ("lovel", [hers]),
        ("love ada", [hers]),
        ("ada byron", []),
        ("nobody", []),
    ):
        assert numbers(operator.get(reverse(LIST), {"q": term})) == [order.number for order in found]


def test_the_same_box_finds_orders_by_tracking_number(place, order, operator):
    place()
    Shipment.objects.create(order_id=order.pk, tracking_number="1Z999", idempotency_key="1")
    assert numbers(operator.get(reverse(LIST), {"q": "1z999"})) == [order.number]


@pytest.mark.parametrize("query", ["?status__exact=placed", "?cancel_reason__exact=customer", "?o=-3"])
def test_the_list_can_be_filtered_and_sorted(order, operator, query):
    assert operator.get(reverse(LIST) + query).status_code == 200


def test_the_same_box_finds_the_orders_of_a_product(place, order, operator):
    place(lines=[("KETTLE", 1)])
    deliver_all()
    assert numbers(operator.get(reverse(LIST), {"q": "teapot"})) == [order.number]
    assert numbers(operator.get(reverse(LIST), {"q": "CUP"})) == []


def test_tabs_filter_and_count_up_to_a_limit(place, operator, monkeypatch):
    cache.clear()
    placed, paid = [place(), place()], place()
    outcomes.record_payments(order_ids=[paid.pk])
    monkeypatch.setattr(list_columns, "MOST", 1)
    page = operator.get(reverse(LIST), {"status__exact": "placed"})
    tabs = {tab.title: (tab.number, is_present) for tab, is_present in page.context["cl"].tabs}
    assert tabs["Waits for payment"] == ("1+", True)
    assert tabs["To ship"] == ("1", False)
    assert tabs["All"] == ("", False)
    everything = operator.get(reverse(LIST)).context["cl"].tabs
    assert [tab.title for tab, is_present in everything if is_present] == ["All"]
    assert numbers(page) == [order.number for order in reversed(placed)]
    to_ship = next(tab for tab, _ in page.context["cl"].tabs if tab.title == "To ship")
    assert numbers(operator.get(f"{reverse(LIST)}?{to_ship.query}")) == [paid.number]


def test_the_numbers_of_tabs_are_counted_once_in_a_while(order, operator):
    cache.clear()
    operator.get(reverse(LIST))
    with CaptureQueriesContext(connection) as again:
        operator.get(reverse(LIST))
    assert [query["sql"] for query in again.captured_queries if "COUNT(" in query["sql"]] == []


def test_a_row_shows_items_tags_and_the_latest_parcel(place, operator):
    order = place(lines=[("TEAPOT", 2), ("KETTLE", 1)])
    add_tag(order_id=order.pk, name="fragile")
    for key, number in ((1, "OLD"), (2, "NEW")):
        Shipment.objects.create(order_id=order.pk, tracking_number=number, idempotency_key=key, round=key)
    rows = operator.get(reverse(LIST), {"export": "csv"}).getvalue().decode().splitlines()
    header, cells = next(csv.reader([rows[0]])), next(csv.reader([rows[1]]))
    row = dict(zip(header, cells, strict=True))
    assert (row["Items"], row["Tags"], row["Tracking"]) == ("3", "fragile", "NEW")


def test_the_list_takes_as_many_statements_however_long(place, operator, django_assert_max_num_queries):
    for _ in range(5):
        place()
    operator.get(reverse(LIST))
    with django_assert_max_num_queries(7) as captured:
        operator.get(reverse(LIST))
    assert [query["sql"] for query in captured.captured_queries if "COUNT(" in query["sql"]] == []


def test_the_page_shows_lines_and_hands_the_order_to_the_panels(order, operator):
    text = operator.get(page(order)).content.decode()
    assert "TEAPOT" in text
    for part in PANELS:
        assert f"The {part} of {order.number}" in text


def test_nobody_edits_adds_or_deletes_an_order(order, operator):
    assert operator.post(page(order), {"status": "delivered", "total": "0.01"}).status_code == 403
    assert operator.get(reverse("admin:orders_order_add")).status_code == 403
    assert operator.post(page(order, "delete"), {"post": "yes"}).status_code == 403
    assert "delete_selected" not in operator.get(reverse(LIST)).content.decode()
    assert Order.objects.get().status == Status.PLACED


def test_cancelling_asks_first(order, operator, said):
    assert "Cancel order" in operator.get(page(order)).content.decode()
    asked = operator.get(page(order, "cancel")).content.decode()
    assert order.number in asked
    assert "cannot be taken back" in asked
    assert said(order) == []

    operator.post(page(order, "cancel"), {"confirmed": "yes"})
    assert Order.objects.get().reason == "operator"
    assert said(order) == ["OrderCancellationRequested"]
    assert LogEntry.objects.get().get_change_message() == "The cancellation is on its way."


def test_a_refusal_is_shown(order, operator):
    outcomes.record_shipments(order_ids=[order.pk])
    assert "Cancel order" not in operator.get(page(order)).content.decode()
    response = operator.post(page(order, "cancel"), {"confirmed": "yes"}, follow=True)
    assert [str(m) for m in response.context["messages"]] == [
        f"{order.number} is shipped: it is too late to cancel it."
    ]
    assert not LogEntry.objects.exists()


def test_an_order_that_needs_attention_can_go_on_waiting(held_up, operator):
    assert "Go on waiting" in operator.get(page(held_up)).content.decode()
    operator.post(page(held_up, "resume"), {"confirmed": "yes"})
    assert Order.objects.get().status == Status.PAID


def test_who_may_only_look_cannot_act(order, viewer):
    text = viewer.get(page(order)).content.decode()
    assert "Cancel order" not in text
    for action in ("cancel", "resume"):
        assert viewer.post(page(order, action), {"confirmed": "yes"}).status_code == 403
    chosen = {"action": "cancel_selected", "_selected_action": [order.pk], "confirmed": "yes"}
    viewer.post(reverse(LIST), chosen)
    assert Order.objects.get().status == Status.PLACED
