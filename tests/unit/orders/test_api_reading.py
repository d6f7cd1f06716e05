"""Orders over the REST API: visible to their customers and staff, cancelled, and their timelines."""

import pytest
from django.contrib.auth.models import Permission
from django.db import transaction
from rest_framework.test import APIClient

from orders.events import OrderCreatedV1
from shop.messaging.event_log import timeline
from shop.messaging.publishing import publish
from tests.support import outcomes
from tests.unit.orders.conftest import LONDON
from tests.unit.orders.rest import ORDERS

pytestmark = pytest.mark.django_db

#: Statements that count a request, but not one that places an order.
THROTTLE = 1


def ids(response):
    assert response.status_code == 200, response.content
    return [row["number"] for row in response.json()["results"]]


def test_customers_see_their_own_orders_and_staff_see_all(place, bob, as_ada, as_bob, as_olga):
    hers, his = place(), place(customer=bob)
    assert ids(as_ada.get(ORDERS)) == [hers.number]
    assert ids(as_bob.get(ORDERS)) == [his.number]
    assert ids(as_olga.get(ORDERS)) == [his.number, hers.number]
    assert APIClient().get(ORDERS).status_code == 401


@pytest.mark.parametrize(("method", "path"), [("get", ""), ("get", "/timeline"), ("post", "/cancel")])
def test_the_orders_of_others_do_not_exist(order, as_bob, as_olga, method, path):
    url = f"{ORDERS}/{order.pk}{path}"
    assert getattr(as_bob, method)(url).status_code == 404
    assert getattr(as_olga, method)(url).status_code in {200, 202}


def test_an_order_shows_how_far_it_has_come(order, as_ada):
    outcomes.record_rejections(order_ids=[order.pk])
    body = as_ada.get(f"{ORDERS}/{order.pk}").json()
    assert (body["status"], body["reason"], body["cancellable"]) == ("cancelling", "out_of_stock", False)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("status=paid", [1]),
        ("status=paid&status=placed", [1, 0]),
        ("number={0}", [0]),
        ("number={0.serial}", [0]),
        ("number=ORD-999999999999999999", []),
        ("customer={0.customer_id}", [1, 0]),
        ("customer=999999999999999999999999", []),
        ("placed_after={1.placed_at:%Y-%m-%dT%H:%M:%S.%fZ}", [1]),
        ("placed_before={1.placed_at:%Y-%m-%dT%H:%M:%S.%fZ}", [0]),
        ("changed_since={1.placed_at:%Y-%m-%dT%H:%M:%S.%fZ}", [1]),
        ("email=ADA@example.com", [1, 0]),
        ("email=ada@example.co", []),
        ("id={1.pk}", [1]),
        ("id={1.pk}&id={0.pk}", [1, 0]),
        ("sort=placed_at", [0, 1]),
        ("sort=-placed_at", [1, 0]),
    ],
)
def test_orders_are_found_by_what_is_declared(place, as_olga, query, found):
    orders = [place(), place()]
    outcomes.record_payments(order_ids=[orders[1].pk])
    numbers = ids(as_olga.get(f"{ORDERS}?{query.format(*orders)}"))
    assert numbers == [orders[index].number for index in found]


@pytest.mark.parametrize(
    "query", ["payment_method=nothing-to-filter-by", "customer__password__startswith=p", "format=json"]
)
def test_nothing_else_reaches_the_database(order, as_olga, query):
    [error] = as_olga.get(f"{ORDERS}?{query}").json()["errors"]
    assert (error["field"], error["code"]) == (query.partition("=")[0], "unknown_parameter")


@pytest.mark.parametrize(
    "query",
    [
        "status=lost",
        "number=ORD-one",
        "number=%00",
        "customer=ada",
        "customer=1.5",
        "placed_after=soon",
        "id=one",
        "sort=total",
        "sort=customer_email",
        "fields=id,nothing",
        "fields=" + ",".join(["id"] * 9),  # of eight
        "changed_since=soon",
        "&".join(["id=0199b1d0-0000-7000-8000-000000000001"] * 21),
    ],
)
def test_a_filter_that_makes_no_sense_is_400(as_olga, query):
    response = as_olga.get(f"{ORDERS}?{query}")
    assert response.status_code == 400
    assert response.json()["errors"][0]["field"] == query.split("=")[0]


def test_orders_are_listed_by_their_last_change_page_by_page(place, as_olga):
    first, second, third = place(), place(), place()
    outcomes.record_payments(order_ids=[first.pk])
    page = as_olga.get(f"{ORDERS}?sort=changed_at&page_size=2")
    assert ids(page) == [second.number, third.number]
    assert ids(as_olga.get(page.json()["next"])) == [first.number]
    assert ids(as_olga.get(f"{ORDERS}?sort=-changed_at&page_size=1")) == [first.number]


def test_a_customer_finds_none_but_their_own_orders_by_id_and_address(place, bob, as_ada):
    his = place(customer=bob)
    assert ids(as_ada.get(f"{ORDERS}?id={his.pk}")) == []
    assert ids(as_ada.get(f"{ORDERS}?email={his.customer_email}")) == []


def test_only_the_fields_that_are_asked_for_are_sent(order, as_ada):
    [row] = as_ada.get(f"{ORDERS}?fields=id,status").json()["results"]
    assert row == {"id": str(order.pk), "status": "placed"}


def test_a_list_comes_as_csv_with_a_link_to_the_next_page(place, as_ada):
    place()
    order = place()
    response = as_ada.get(f"{ORDERS}?page_size=1&fields=number,total", headers={"Accept": "text/csv"})
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response.content.decode().splitlines() == [
        "number,total.amount,total.currency",
        f"{order.number},{order.total},{order.currency}",
    ]
    after = response["Link"].partition(">")[0].removeprefix("<")
    assert as_ada.get(after, headers={"Accept": "text/csv"}).status_code == 200


def test_an_empty_list_as_csv_has_its_header(as_ada):
    lines = as_ada.get(ORDERS, headers={"Accept": "text/csv"}).content.decode().splitlines()
    assert lines == ["id,number,url,status,reason,total,placed_at,changed_at"]


def test_an_error_is_a_problem_also_for_who_wants_csv_and_nothing_is_placed_by_it(as_ada):
    response = as_ada.get(f"{ORDERS}?fields=nothing", headers={"Accept": "text/csv"})
    assert (response.status_code, response["Content-Type"]) == (400, "application/problem+json")
    assert as_ada.post(ORDERS, {}, format="json", headers={"Accept": "text/csv"}).status_code == 406


def test_lists_and_pages_take_as_many_statements_however_long(place, as_ada, django_assert_num_queries):
    for _ in range(5):
        order = place(lines=[("TEAPOT", 1), ("KETTLE", 1)])
    with django_assert_num_queries(2 + THROTTLE):  # the claimed guests, the page
        as_ada.get(ORDERS)
    with django_assert_num_queries(2 + THROTTLE):
        as_ada.get(f"{ORDERS}/{order.pk}")


def test_pages_follow_one_another(place, as_ada):
    numbers = [place().number for _ in range(3)]
    first = as_ada.get(f"{ORDERS}?page_size=2")
    second = as_ada.get(first.json()["next"])
    assert ids(first) + ids(second) == numbers[::-1]


def test_a_customer_cancels_an_order(order, as_ada, said):
    url = f"{ORDERS}/{order.pk}/cancel"
    response = as_ada.post(url)
    assert response.status_code == 202
    assert (response.json()["status"], response.json()["reason"]) == ("cancelling", "customer")
    assert as_ada.post(url).status_code == 202
    assert said(order) == ["OrderCancellationRequested"]


def test_a_repeated_cancellation_gets_the_answer_of_the_first(order, as_ada):
    url, headers = f"{ORDERS}/{order.pk}/cancel", {"Idempotency-Key": "k-1"}
    first = as_ada.post(url, headers=headers)
    outcomes.record_undone_payments(order_ids=[order.pk])
    outcomes.record_undone_stock(order_ids=[order.pk])
    again = as_ada.post(url, headers=headers)
    assert (again.status_code, again.content) == (202, first.content)
    assert as_ada.post(url).status_code == 409


def test_an_operator_cancels_an_order(order, as_olga):
    assert as_olga.post(f"{ORDERS}/{order.pk}/cancel").json()["reason"] == "operator"


def test_a_cancellation_that_comes_too_late_is_409(order, as_ada):
    outcomes.record_shipments(order_ids=[order.pk])
    response = as_ada.post(f"{ORDERS}/{order.pk}/cancel")
    assert response.status_code == 409
    assert response.json()["detail"] == f"{order.number} is shipped: it is too late to cancel it."


def test_customers_read_what_happened_and_nothing_else(order, as_ada):
    outcomes.record_payment_failures(order_ids=[order.pk])
    entries = as_ada.get(f"{ORDERS}/{order.pk}/timeline").json()
    assert [set(entry) for entry in entries] == [{"type", "sequence", "time", "summary"}] * 2
    assert [entry["summary"] for entry in entries] == ["The order was placed", "The order was cancelled"]


def test_staff_read_the_events_in_full(order, as_olga):
    [entry] = as_olga.get(f"{ORDERS}/{order.pk}/timeline").json()
    [logged] = timeline(order.pk)
    assert (entry["id"], entry["type"]) == (str(logged.id), "orders.OrderCreated.v2")
    plain = {
        name: logged.data[name]
        for name in ("order_id", "number", "customer_id", "lines", "total", "retry_payment")
    }
    customer = {"customer_name": "Ada Lovelace", "customer_email": "ada@example.com"}
    assert entry["data"] == {**plain, **customer, "ship_to": LONDON.model_dump()}


def become_clerk(user):
    """Leave an operator with the permission to read orders and timelines."""
    user.is_superuser = False
    wanted = {"content_type__app_label": "orders", "codename__in": ["view_order", "view_timeline"]}
    user.user_permissions.set(Permission.objects.filter(**wanted))


def test_staff_without_the_permission_read_no_personal_facts(order, as_olga, olga):
    become_clerk(olga)
    [entry] = as_olga.get(f"{ORDERS}/{order.pk}/timeline").json()
    assert entry["data"].keys() == {"order_id", "number", "customer_id", "lines", "total", "retry_payment"}


def test_facts_from_before_they_were_sealed_are_shown_and_hidden_alike(order, as_olga, olga):
    old = OrderCreatedV1(
        order_id=order.pk, number=order.number, customer_id=order.customer_id, customer_name="Ada Lovelace",
        customer_email="ada@example.com", lines=[line.fact for line in order.lines.all()],
        total={"amount": order.total, "currency": "EUR"}, payment_method="pm_card_visa", ship_to=LONDON,
    )  # fmt: skip
    with transaction.atomic():
        publish(old)
    new, shown = [entry["data"] for entry in as_olga.get(f"{ORDERS}/{order.pk}/timeline").json()]
    assert shown | {"retry_payment": False} == new
    become_clerk(olga)
    new, shown = [entry["data"] for entry in as_olga.get(f"{ORDERS}/{order.pk}/timeline").json()]
    assert shown | {"retry_payment": False} == new
