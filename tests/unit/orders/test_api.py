"""Orders over the REST API: placed once, refused with a remedy, visible to their customers and staff."""

import json

import pytest
from django.contrib.auth.models import Permission
from django.db import transaction
from rest_framework.request import Request
from rest_framework.serializers import Serializer
from rest_framework.test import APIClient

from inventory import services as inventory
from orders import services
from orders.events import OrderCreatedV1
from orders.models import Order
from orders.serializers import OrderIn, OrderOut
from shop.messaging.event_log import timeline
from shop.messaging.publishing import publish
from tests.unit.orders.conftest import LONDON

pytestmark = pytest.mark.django_db

ORDERS = "/api/v1/orders"
SHIP_TO = {
    "name": "Ada Lovelace",
    "street": "12 St James's Sq",
    "city": "London",
    "postal_code": "SW1Y 4JH",
    "country": "GB",
}
#: Statements that count a request, but not one that places an order.
THROTTLE = 1
BODY = {"lines": [{"sku": "TEAPOT", "quantity": 2}], "ship_to": SHIP_TO, "payment_method": "pm_card_visa"}


def client_of(user):
    client = APIClient()
    client.force_authenticate(user)
    return client


@pytest.fixture
def as_ada(ada, catalogue):
    return client_of(ada)


@pytest.fixture
def as_bob(bob):
    return client_of(bob)


@pytest.fixture
def as_olga(olga):
    return client_of(olga)


def post(client, body=BODY, key=None):
    headers = {"Idempotency-Key": key} if key is not None else {}
    return client.post(ORDERS, json.dumps(body), content_type="application/json", headers=headers)


# --- Placing ---


def test_an_order_is_accepted_at_once_and_tells_where_it_is(as_ada, ada):
    response = post(as_ada)
    order = Order.objects.get()
    url = f"http://testserver/api/v1/orders/{order.pk}"
    assert response.status_code == 201
    assert response["Location"] == url
    assert response.json() == {
        "id": str(order.pk),
        "number": order.number,
        "url": url,
        "status": "placed",
        "reason": "",
        "total": {"amount": "49.90", "currency": "EUR"},
        "placed_at": order.placed_at.isoformat().replace("+00:00", "Z"),
        "customer": {"id": ada.pk, "name": "Ada Lovelace", "email": "ada@example.com"},
        "lines": [
            {
                "sku": "TEAPOT",
                "name": "Teapot",
                "quantity": 2,
                "unit_price": {"amount": "24.95", "currency": "EUR"},
                "amount": {"amount": "49.90", "currency": "EUR"},
            }
        ],
        "ship_to": SHIP_TO,
        "cancellable": True,
        "timeline_url": f"{url}/timeline",
    }


def test_an_order_is_shown_as_drf_would_show_it(place, rf):
    shown = OrderOut(place(lines=[("TEAPOT", 2), ("KETTLE", 1)]), context={"request": Request(rf.get("/"))})
    for serializer in (shown, *(shown.fields[name] for name in ("customer", "ship_to"))):
        value = serializer.get_attribute(shown.instance) if serializer is not shown else shown.instance
        assert serializer.to_representation(value) == Serializer.to_representation(serializer, value)


def test_a_post_takes_few_statements(as_ada, django_assert_num_queries):
    # Key, prices, savepoint, all that is written, release; the answer none.
    with django_assert_num_queries(5):
        assert post(as_ada, key='"k-1"').status_code == 201


@pytest.mark.parametrize("key", ['"8e03978e-40d5"', "8e03978e-40d5", r'"a \"quoted\" key"'])
def test_the_same_key_and_body_get_the_same_answer_whatever_has_become_of_the_order(as_ada, key):
    first = post(as_ada, key=key)
    services.record_payment_failures(order_ids=[Order.objects.get().pk])
    second = post(as_ada, key=key)
    assert (second.status_code, second["Location"], second.content) == (201, first["Location"], first.content)
    assert ("Idempotent-Replayed" in first, second["Idempotent-Replayed"]) == (False, "true")
    assert Order.objects.count() == 1


def test_quoted_or_bare_it_is_the_same_key(as_ada):
    assert post(as_ada, key='"k-1"').json() == post(as_ada, key="k-1").json()


def test_the_same_key_for_another_body_is_422(as_ada):
    post(as_ada, key="k-1")
    response = post(as_ada, BODY | {"lines": [{"sku": "TEAPOT", "quantity": 3}]}, key="k-1")
    assert response.status_code == 422
    assert response["Content-Type"] == "application/problem+json"
    assert "k-1 was used for a different order" in response.json()["detail"]
    assert Order.objects.count() == 1


def test_the_order_of_fields_does_not_make_another_body(as_ada):
    post(as_ada, key="k-1")
    assert post(as_ada, dict(reversed(BODY.items())), key="k-1").status_code == 201


@pytest.mark.parametrize("key", ["", '""', '"open', 'clo"se"', "x" * 256, "schlüssel"])
def test_a_key_that_is_no_key_is_refused(as_ada, key):
    response = as_ada.post(ORDERS, BODY, format="json", HTTP_IDEMPOTENCY_KEY=key)
    if key == 'clo"se"':  # bare keys are taken as they are
        assert response.status_code == 201
        return
    assert response.status_code == 400
    assert response.json()["errors"][0]["field"] == "Idempotency-Key"


def test_the_browsable_form_shows_what_an_order_is_placed_by(as_ada):
    page = as_ada.get(ORDERS, headers={"Accept": "text/html"}).content.decode()
    form = page[page.index('name="_content"') :]
    assert all(f"&quot;{field}&quot;" in form for field in BODY)


def test_nobody_orders_without_logging_in():
    assert APIClient().post(ORDERS, BODY, format="json").status_code == 401


def test_an_order_comes_as_json(as_ada):
    assert as_ada.post(ORDERS, {"payment_method": "pm_card_visa"}, format="multipart").status_code == 415


# --- Refusing ---


def refusals(client, body):
    response = post(client, body)
    assert response.status_code == 400, response.content
    assert response["Content-Type"] == "application/problem+json"
    assert not Order.objects.exists()
    errors = response.json()["errors"]
    assert all(error["message"] for error in errors)
    return {error["field"]: error for error in errors}


def lines(*rows):
    return BODY | {"lines": list(rows)}


@pytest.mark.parametrize("quantity", [0, -1, 10_001, 1.5, 2.0, "2", True, None, [], 10**30])
def test_a_quantity_that_is_none_is_refused(as_ada, quantity):
    assert set(refusals(as_ada, lines({"sku": "TEAPOT", "quantity": quantity}))) == {"lines[0].quantity"}


@pytest.mark.parametrize(
    ("body", "field", "remedy"),
    [
        (BODY | {"coupon": "FREE"}, "coupon", "Remove this field: it is unknown"),
        (BODY | {"total": "0.01"}, "total", "prices come from the catalogue"),
        (
            lines({"sku": "TEAPOT", "quantity": 1, "unit_price": "0.01"}),
            "lines[0].unit_price",
            "prices come from the catalogue",
        ),
        (BODY | {"ship_to": SHIP_TO | {"planet": "Mars"}}, "ship_to.planet", "Remove this field"),
        (lines({"sku": "GHOST", "quantity": 1}), "lines[0].sku", "look the SKU up in the catalogue"),
        (lines({"sku": "OLD", "quantity": 1}), "lines[0].sku", "remove the line"),
        (
            lines({"sku": "TEAPOT", "quantity": 1}, {"sku": "TEAPOT", "quantity": 1}),
            "lines[1].sku",
            "add the quantities up",
        ),
        (lines(), "lines", "add at least one line"),
        (lines(*[{"sku": "TEAPOT", "quantity": 1}] * 201), "lines", "at most 200 lines"),
        (
            lines({"sku": "TEAPOT", "quantity": 1}, {"sku": "MAPLE", "quantity": 1}),
            "lines",
            "one order per currency",
        ),
        (BODY | {"ship_to": SHIP_TO | {"country": "Germany"}}, "ship_to.country", "as in DE"),
        (BODY | {"ship_to": SHIP_TO | {"country": "de"}}, "ship_to.country", "as in DE"),
        (BODY | {"ship_to": SHIP_TO | {"street": "x" * 201}}, "ship_to.street", "200"),
        (BODY | {"ship_to": SHIP_TO | {"street": "a\x00b"}}, "ship_to.street", "Null"),
        (BODY | {"ship_to": SHIP_TO | {"street": "\ud800"}}, "ship_to.street", "urrogate"),
        (BODY | {"ship_to": "London"}, "ship_to", "dictionary"),
        (BODY | {"payment_method": "4242424242424242"}, "payment_method", "token"),
        ({"lines": BODY["lines"], "ship_to": SHIP_TO}, "payment_method", "required"),
        (lines("TEAPOT"), "lines[0]", "dictionary"),
        (BODY | {"lines": {"sku": "TEAPOT"}}, "lines", "list"),
        ([], "", "dictionary"),
    ],
)
def test_what_is_wrong_is_named_with_its_remedy(as_ada, body, field, remedy):
    inventory.add_product(sku="OLD", name="Old pot", price="1.00", active=False)
    inventory.add_product(sku="MAPLE", name="Maple syrup", price="9.00", currency="CAD")
    found = refusals(as_ada, body)
    assert list(found) == [field]
    assert remedy in found[field]["message"]


def test_all_that_is_wrong_is_named_at_once(as_ada):
    body = {
        "lines": [{"sku": "TEAPOT", "quantity": 0, "price": "1.00"}, {"quantity": 1}],
        "ship_to": SHIP_TO | {"country": "XX"},
        "gift": True,
    }
    assert set(refusals(as_ada, body)) == {
        "lines[0].quantity",
        "lines[0].price",
        "lines[1].sku",
        "ship_to.country",
        "payment_method",
        "gift",
    }


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"{", id="half of it"),
        pytest.param(b'{"lines":' * 20_000, id="nested without end"),
        pytest.param(b"\xff\xfe", id="not UTF-8"),
        pytest.param(b'{"lines": NaN}', id="no number"),
    ],
)
def test_what_is_no_json_is_400(as_ada, body):
    response = as_ada.post(ORDERS, body, content_type="application/json")
    assert response.status_code == 400
    assert response.json()["detail"].startswith("JSON parse error - ")


def test_a_body_without_end_is_not_read_to_its_end(as_ada, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = most = len(json.dumps(BODY))
    assert post(as_ada).status_code == 201
    refused = post(as_ada, {**BODY, "payment_method": "pm_card_visa_2"})
    assert refused.status_code == 413
    assert f"more than {most} bytes" in refused.json()["detail"]


def test_the_serializer_accepts_what_the_service_accepts():
    assert OrderIn(data=BODY).is_valid()


# --- Reading ---


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
    services.record_rejections(order_ids=[order.pk])
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
    ],
)
def test_orders_are_found_by_what_is_declared(place, as_olga, query, found):
    orders = [place(), place()]
    services.record_payments(order_ids=[orders[1].pk])
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
    ["status=lost", "number=ORD-one", "number=%00", "customer=ada", "customer=1.5", "placed_after=soon"],
)
def test_a_filter_that_makes_no_sense_is_400(as_olga, query):
    response = as_olga.get(f"{ORDERS}?{query}")
    assert response.status_code == 400
    assert response.json()["errors"][0]["field"] == query.split("=")[0]


def test_lists_and_pages_take_as_many_statements_however_long(place, as_ada, django_assert_num_queries):
    for _ in range(5):
        order = place(lines=[("TEAPOT", 1), ("KETTLE", 1)])
    with django_assert_num_queries(1 + THROTTLE):
        as_ada.get(ORDERS)
    with django_assert_num_queries(2 + THROTTLE):
        as_ada.get(f"{ORDERS}/{order.pk}")


def test_pages_follow_one_another(place, as_ada):
    numbers = [place().number for _ in range(3)]
    first = as_ada.get(f"{ORDERS}?page_size=2")
    second = as_ada.get(first.json()["next"])
    assert ids(first) + ids(second) == numbers[::-1]


# --- Cancelling ---


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
    services.record_undone_payments(order_ids=[order.pk])
    services.record_undone_stock(order_ids=[order.pk])
    again = as_ada.post(url, headers=headers)
    assert (again.status_code, again.content) == (202, first.content)
    assert as_ada.post(url).status_code == 409


def test_an_operator_cancels_an_order(order, as_olga):
    assert as_olga.post(f"{ORDERS}/{order.pk}/cancel").json()["reason"] == "operator"


def test_a_cancellation_that_comes_too_late_is_409(order, as_ada):
    services.record_shipments(order_ids=[order.pk])
    response = as_ada.post(f"{ORDERS}/{order.pk}/cancel")
    assert response.status_code == 409
    assert response.json()["detail"] == f"{order.number} is shipped: it is too late to cancel it."


# --- The timeline ---


def test_customers_read_what_happened_and_nothing_else(order, as_ada):
    services.record_payment_failures(order_ids=[order.pk])
    entries = as_ada.get(f"{ORDERS}/{order.pk}/timeline").json()
    assert [set(entry) for entry in entries] == [{"type", "time", "summary"}] * 2
    assert [entry["summary"] for entry in entries] == ["The order was placed", "The order was cancelled"]


def test_staff_read_the_events_in_full(order, as_olga):
    [entry] = as_olga.get(f"{ORDERS}/{order.pk}/timeline").json()
    [logged] = timeline(order.pk)
    assert (entry["id"], entry["type"]) == (str(logged.id), "orders.OrderCreated.v2")
    plain = {name: logged.data[name] for name in ("order_id", "number", "customer_id", "lines", "total")}
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
    assert entry["data"].keys() == {"order_id", "number", "customer_id", "lines", "total"}


def test_facts_from_before_they_were_sealed_are_shown_and_hidden_alike(order, as_olga, olga):
    old = OrderCreatedV1(
        order_id=order.pk, number=order.number, customer_id=order.customer_id, customer_name="Ada Lovelace",
        customer_email="ada@example.com", lines=[line.fact for line in order.lines.all()],
        total={"amount": order.total, "currency": "EUR"}, payment_method="pm_card_visa", ship_to=LONDON,
    )  # fmt: skip
    with transaction.atomic():
        publish(old)
    new, shown = [entry["data"] for entry in as_olga.get(f"{ORDERS}/{order.pk}/timeline").json()]
    assert shown == new
    become_clerk(olga)
    new, shown = [entry["data"] for entry in as_olga.get(f"{ORDERS}/{order.pk}/timeline").json()]
    assert shown == new
