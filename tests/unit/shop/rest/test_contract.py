"""Agreement of the API with its document: types, limits, empty values, and no others."""

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from inventory import services as inventory
from shop.rest.idempotency import REPLAYED
from shop.rest.problem_types import PROBLEM_TYPES
from tests.support.openapi import DOCUMENT, OPERATIONS

pytestmark = pytest.mark.django_db


@pytest.fixture
def olga(db) -> APIClient:
    inventory.add_product(sku="MUG", name="Mug", price="1.00", stock=10)
    client = APIClient()
    client.force_authenticate(User.objects.create_superuser("olga", "olga@example.com"))
    return client


# --- The document ---


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
def test_every_error_of_an_operation_is_a_documented_problem(operation):
    errors = {code: response for code, response in operation["responses"].items() if code >= "400"}
    assert {"400", "406", "429", "500", "503"} <= set(errors)
    for response in errors.values():
        content = response["content"]["application/problem+json"]
        assert content["schema"] == {"$ref": "#/components/schemas/Problem"}
        assert response["description"]


def test_the_statuses_follow_from_the_operation():
    adjusting = set(OPERATIONS["post /api/v1/stock/{sku}/adjust"]["responses"])
    assert {"200", "401", "403", "404", "409", "412", "413", "415", "422"} <= adjusting
    assert {"401", "403", "404"} <= set(OPERATIONS["get /api/v1/orders/{id}"]["responses"])
    assert "409" not in OPERATIONS["post /api/v1/orders"]["responses"]
    assert "403" not in OPERATIONS["get /api/v1/products"]["responses"]


@pytest.mark.parametrize("operation", [o for n, o in OPERATIONS.items() if not n.startswith("get ")])
def test_every_unsafe_operation_documents_its_key(operation):
    [key] = [parameter for parameter in operation["parameters"] if parameter["name"] == "Idempotency-Key"]
    assert (key["in"], key["schema"]["maxLength"]) == ("header", 255)


def test_the_key_is_required_where_stock_and_refunds_move():
    required = {
        name
        for name, operation in OPERATIONS.items()
        for parameter in operation.get("parameters", [])
        if parameter["name"] == "Idempotency-Key" and parameter.get("required")
    }
    assert required == {
        "post /api/v1/stock/{sku}/adjust",
        "post /api/v1/stock/{sku}/movements",
        "post /api/v1/stock-movements",
        "post /api/v1/orders/{id}/refunds",
        "post /api/v1/orders/{id}/resend",
        "post /api/v1/orders/{id}/refund-and-settle",
        "post /api/v1/orders/{id}/returns",
        "post /api/v1/orders/{id}/returns/{return_id}/receive",
        "post /api/v1/payments/{id}/capture",
        "post /api/v1/orders/{id}/payments",
        "post /api/v1/payments/{id}/refunds/{refund_id}/retry",
        "post /api/v1/payments/{id}/refunds/{refund_id}/given-back",
    }


def test_a_choice_that_may_be_empty_says_so():
    schemas = DOCUMENT["components"]["schemas"]
    shipment = schemas["Shipment"]["properties"]
    assert {"$ref": "#/components/schemas/BlankEnum"} in shipment["tracking_status"]["oneOf"]
    assert "oneOf" not in shipment["state"]
    assert schemas["BlankEnum"]["enum"] == [""]


def test_requests_have_no_other_fields_than_documented():
    schemas = DOCUMENT["components"]["schemas"]
    for name in ("OrderIn", "LineIn", "AddressIn", "AdjustmentIn", "ResendIn", "KeyIn", "Credentials"):
        assert schemas[name]["additionalProperties"] is False
    assert "additionalProperties" not in schemas["OrderOut"]


def test_every_request_has_an_example():
    for operation in OPERATIONS.values():
        for media in operation.get("requestBody", {}).get("content", {}).values():
            assert media["examples"]


def test_every_code_of_a_problem_is_of_a_documented_status():
    documented = {int(code) for operation in OPERATIONS.values() for code in operation["responses"]}
    undocumented = {kind.status for kind in PROBLEM_TYPES.values()} - documented
    assert undocumented <= {405, 408, 411, 414, 431}, "these are no answers of an operation"


# --- What is let through ---


@pytest.mark.parametrize("size", ["0", "-1", "201", "many", "1.5", "", "²"])
def test_a_page_size_that_is_none_is_refused(olga, size):
    response = olga.get("/api/v1/products", {"page_size": size})
    assert (response.status_code, response.json()["errors"][0]["field"]) == (400, "page_size")


def test_the_largest_page_is_served(olga):
    assert len(olga.get("/api/v1/products?page_size=200").json()["results"]) == 1


@pytest.mark.parametrize(
    "query",
    ["orders?status=", "orders?customer=0", "orders?placed_after=2026-01-01", "products?active=maybe",
     "products?search=",
     "orders?placed_after=2026-01-01T00:00:00", "orders?placed_after=0001-01-01T00:00:00Z",
     "orders?placed_before=9999-12-31T23:59:59Z", "payments?order_id=", "analytics/funnel?until="],
)  # fmt: skip
def test_a_filter_without_a_proper_value_is_refused_and_not_ignored(olga, query):
    response = olga.get(f"/api/v1/{query}")
    assert (response.status_code, response.json()["code"]) == (400, "invalid")


def test_a_browsers_form_of_filters_may_leave_some_empty(olga):
    response = olga.get("/api/v1/orders?status=&number=ORD-1&customer=", headers={"Accept": "text/html"})
    assert (response.status_code, response["Location"]) == (302, "/api/v1/orders?number=ORD-1")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"quantity": "1", "reason": "Found"}, "quantity"),
        ({"quantity": True, "reason": "Found"}, "quantity"),
        ({"quantity": 1, "reason": 7}, "reason"),
        ({"quantity": 1, "reason": "\x00"}, "reason"),
    ],
)
def test_types_are_taken_as_documented(olga, body, field):
    url = "/api/v1/stock/MUG/adjust"
    response = olga.post(url, body, format="json", headers={"Idempotency-Key": "k-1"})
    assert (response.status_code, response.json()["errors"][0]["field"]) == (400, field)


# --- The introduction ---


def test_every_tag_of_an_operation_is_described_and_used():
    used = {tag for operation in OPERATIONS.values() for tag in operation["tags"]}
    assert [tag["name"] for tag in DOCUMENT["tags"] if tag["description"]] == [
        tag["name"] for tag in DOCUMENT["tags"]
    ]
    assert {tag["name"] for tag in DOCUMENT["tags"]} == used


def test_the_introduction_explains_what_all_operations_share():
    text = DOCUMENT["info"]["description"]
    for heading in ("Keys", "Idempotency", "Errors", "Pages", "Events", "Versions", "What goes away"):
        assert f"## {heading}\n" in text
    assert "`Idempotent-Replayed: true`" in text  # as the header is called, see below
    assert REPLAYED == "Idempotent-Replayed"
