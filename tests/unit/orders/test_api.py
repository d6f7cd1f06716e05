"""Orders placed over the REST API: at once, and once for each Idempotency-Key."""

import pytest
from rest_framework.request import Request
from rest_framework.serializers import Serializer
from rest_framework.test import APIClient

from orders.models import Order
from orders.serializers import OrderOut
from tests.support import outcomes
from tests.unit.orders.rest import BODY, ORDERS, SHIP_TO, post

pytestmark = pytest.mark.django_db


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
        "payment": None,
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
    outcomes.record_payment_failures(order_ids=[Order.objects.get().pk])
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
