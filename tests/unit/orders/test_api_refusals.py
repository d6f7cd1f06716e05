"""Orders that the REST API refuses, with a remedy."""

import json

import pytest

from inventory import services as inventory
from orders.models import Order
from orders.serializers import OrderIn
from tests.unit.orders.rest import BODY, ORDERS, SHIP_TO, post

pytestmark = pytest.mark.django_db


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
