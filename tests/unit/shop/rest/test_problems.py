"""Every error of the API is a problem document that says what to do, and its type leads to a page."""

import ast
import json
from pathlib import Path

import django_filters
import pytest
from django.contrib.auth.models import User
from django.urls import URLResolver, get_resolver
from rest_framework import exceptions, serializers
from rest_framework.test import APIClient

from dev.paths import ROOT
from inventory import services as inventory
from orders import services as orders
from shop.rest.problem_types import FIELD_CODES, PROBLEM_TYPES, problem_type

pytestmark = pytest.mark.django_db

ORDERS = "/api/v1/orders"
UNKNOWN = "0199b1d0-0000-7000-8000-000000000001"


def client_of(user=None) -> APIClient:
    client = APIClient(raise_request_exception=False)
    if user:
        client.force_authenticate(user)
    return client


@pytest.fixture
def olga(db) -> APIClient:
    return client_of(User.objects.create_superuser("olga", "olga@example.com"))


def problem_of(response, status: int) -> dict:
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json"
    problem = json.loads(response.content)
    assert {"type", "title", "status", "detail", "instance", "code"} <= set(problem)
    assert problem["status"] == status
    page = client_of().get(problem["type"], headers={"Accept": "text/html"})
    assert page.status_code == 200
    assert problem["title"] in page.content.decode()
    return problem


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("get", "/api/v1/nothing", 404),
        ("get", "/api/v1/orders/no-uuid", 404),
        ("get", f"/api/v1/orders/{UNKNOWN}", 404),
        ("get", "/api/v1/payments/no-uuid", 404),
        ("get", "/api/v1/problems/no-problem", 404),
        ("get", "/api/v1/orders?cursor=nonsense", 404),
        ("delete", "/api/v1/orders", 405),
        ("post", "/api/v1/problems", 405),
        ("get", "/api/v1/orders?status=lost", 400),
        ("get", "/api/v1/orders?colour=red", 400),
    ],
)
@pytest.mark.parametrize("accept", ["*/*", "text/html"])
@pytest.mark.parametrize("debug", [False, True])
def test_no_error_is_a_page(olga, settings, method, path, status, accept, debug):
    settings.DEBUG = debug
    problem_of(getattr(olga, method)(path, headers={"Accept": accept}), status)


def test_a_body_that_is_no_json_is_a_problem(olga):
    assert problem_of(olga.post(ORDERS, b"{", content_type="application/json"), 400)["code"] == "parse_error"
    assert problem_of(olga.post(ORDERS, b"a=1", content_type="text/plain"), 415)


def test_what_cannot_be_accepted_is_a_problem(olga):
    assert problem_of(olga.get(ORDERS, headers={"Accept": "image/png"}), 406)


def test_missing_and_wrong_credentials_are_problems():
    assert problem_of(client_of().get(ORDERS), 401)["code"] == "not_authenticated"
    wrong = client_of().get(ORDERS, headers={"Authorization": "Token wrong"})
    assert problem_of(wrong, 401)["code"] == "authentication_failed"
    assert problem_of(client_of(User.objects.create_user("ada")).get("/api/v1/stock"), 403)


@pytest.mark.parametrize("accept", ["*/*", "text/html"])
@pytest.mark.parametrize("debug", [False, True])
def test_a_view_that_fails_answers_with_a_problem(olga, monkeypatch, settings, accept, debug):
    settings.DEBUG = debug
    monkeypatch.setattr(orders, "place_order", lambda **request: 1 / 0)
    inventory.add_product(sku="MUG", name="Mug", price="1.00", stock=1)
    body = {
        "lines": [{"sku": "MUG", "quantity": 1}],
        "ship_to": {"name": "A", "street": "B", "city": "C", "postal_code": "D", "country": "GB"},
        "payment_method": "pm_card_visa",
    }
    response = olga.post(ORDERS, body, format="json", headers={"Accept": accept})
    assert "ZeroDivisionError" not in problem_of(response, 500)["detail"]


def test_a_foreign_host_is_a_problem(olga):
    assert problem_of(olga.get(ORDERS, headers={"Host": "evil.example"}), 400)


def test_pages_elsewhere_stay_pages(client):
    assert client.get("/nothing/")["Content-Type"].startswith("text/html")


# --- Unknown query parameters ---


def test_every_view_names_the_parameters_that_it_knows(olga):
    for path in ("orders", "products", "stock", "payments", "shipments", "notifications", "analytics/funnel"):
        [error] = problem_of(olga.get(f"/api/v1/{path}?colour=red"), 400)["errors"]
        assert (error["field"], error["code"]) == ("colour", "unknown_parameter")
    for path in ("orders", "payments", "shipments", "notifications"):
        problem_of(olga.get(f"/api/v1/{path}/{UNKNOWN}?colour=red"), 400)
    assert "Known are none" in problem_of(olga.get("/api/v1/products/MUG?page_size=3"), 400)["detail"]
    [error] = problem_of(olga.post(f"{ORDERS}?dry_run=true", {}, format="json"), 400)["errors"]
    assert (error["field"], error["code"]) == ("dry_run", "unknown_parameter")


def test_known_parameters_are_taken(olga):
    known = "status=paid&status=placed&number=ORD-1&customer=1&placed_after=2026-01-01T00:00:00Z&page_size=3"
    assert olga.get(f"{ORDERS}?{known}").status_code == 200
    assert olga.get("/api/v1/analytics/daily-sales?since=2026-01-01&currency=EUR").status_code == 200
    assert olga.get("/api/v1/schema?format=json").status_code == 200


# --- The catalogue ---


def _loaded_views(patterns=None):
    for entry in patterns or get_resolver().url_patterns:
        if isinstance(entry, URLResolver):
            yield from _loaded_views(entry.url_patterns)
        elif view := getattr(entry.callback, "cls", None):
            yield view


def _subclasses(cls: type):
    for child in cls.__subclasses__():
        yield child
        yield from _subclasses(child)


def test_every_problem_that_the_shop_can_raise_has_a_page():
    assert list(_loaded_views())
    raised = {
        cls for cls in _subclasses(exceptions.APIException) if cls.__module__.startswith(("shop.", "rest"))
    }
    assert len(raised) >= 10
    for cls in raised:
        code = cls.default_code if isinstance(cls.default_code, str) else ""
        assert problem_type(cls.status_code, code).status == cls.status_code
        assert code in PROBLEM_TYPES, f"{cls.__name__}: {code}"


#: Calls with the code of a field's error, and its position among the arguments.
CODED = {"ValidationError": 1, "ErrorDetail": 1, "Problem": 2, "_refusal": 1}


def _codes_in(path: Path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            given = [keyword.value for keyword in node.keywords if keyword.arg == "code"]
            given += node.args[CODED[name] : CODED[name] + 1] if name in CODED else []
            yield from (code.value for code in given if isinstance(code, ast.Constant) and name in CODED)


def test_every_code_that_our_own_code_names_is_explained():
    files = [*ROOT.glob("*/api.py"), *ROOT.glob("*/serializers.py"), *ROOT.glob("*/filters.py")]
    files += [*(ROOT / "shop" / "rest").rglob("*.py"), ROOT / "orders" / "intake.py"]
    found = {code for file in files for code in _codes_in(file)}
    assert {"unknown_sku", "card_number", "unknown_field"} <= found
    assert found - set(FIELD_CODES) == set()


def _fields():
    for cls in _subclasses(serializers.Serializer):
        if cls.__module__.split(".")[0] in {
            "shop",
            "orders",
            "inventory",
            "payments",
            "notifications",
            "analytics",
        }:
            yield from (field for field in cls().fields.values() if not field.read_only)
    for filters in _subclasses(django_filters.FilterSet):
        if "rest_framework" not in filters.__module__ and filters.base_filters:
            yield from (filter_.field for filter_ in filters.base_filters.values())


#: Keys of messages that are no codes of an answer.
NEVER = {"incorrect_type", "list"}


def test_every_code_of_every_field_is_explained():
    fields = list(_fields())
    assert len(fields) > 20
    codes = {code for field in fields for code in field.error_messages}
    codes |= {getattr(v, "code", "invalid") for field in fields for v in field.validators}
    assert codes - NEVER - set(FIELD_CODES) == set()


def test_the_page_of_validation_explains_each_code(client):
    page = client.get("/api/v1/problems/invalid").content.decode()
    assert all(f'id="{code}"' in page for code in FIELD_CODES)


def test_the_index_lists_every_problem(client):
    page = client.get("/api/v1/problems").content.decode()
    assert all(kind.url in page and kind.title in page for kind in PROBLEM_TYPES.values())
