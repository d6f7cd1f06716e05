"""No value of an address, a parameter or a body makes an error of the shop's: the extremes of every type."""

import json
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.test import Client
from drf_spectacular.generators import SchemaGenerator

from console.seeding import seed
from tests.faults.seeds import sample
from tests.unit.shop.web.addresses import addresses

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(300)]

TEXTS = ["%00", "%ED%A0%80", "%E2%80%8B", "a%0D%0AX: y", "../../x"]
NUMBERS = ["-1", "9223372036854775808", "9" * 900, "NaN", "%D9%A3"]
DATES = ["0001-01-01", "9999-12-31T23:59:59Z", "2100-12-31", "2000-01-01T00:00:00%2B14:00"]
IDS = ["ffffffff-ffff-ffff-ffff-ffffffffffff", "x" * 300]
EXTREMES = [*TEXTS, *NUMBERS, *DATES, *IDS]
#: Values of JSON.
JSON = [
    *(None, True, 0, -1, 2**31, 2**63, 10**400, 1e308, -0.0, "", " ", "\0", "\ud800", "\u200b", "é" * 1000),
    *([], {}, [[]], {"\ud800": 1}, [None], "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "1E+400", "NaN"),
]
VARIABLE = ("/1/", "/x/", "/MUG", "/ORD-1001", "0199b1d0-0000-7000-8000-000000000001")


@pytest.fixture
def client() -> Client:
    seed()
    client = Client(raise_request_exception=False)
    client.force_login(User.objects.create_superuser("olga", "olga@example.com", "correct horse"))
    return client


def errors(client: Client, requests: Iterable[tuple[str, str, dict[str, Any]]]) -> list[str]:
    """Make requests; return those that were answered by an error of the server, or of the API by a page."""
    found = []
    for method, path, options in requests:
        response = client.generic(method, path, **options)
        is_api = path.startswith("/api/v1/") and response.status_code >= 400
        if response.status_code >= 500 or (is_api and "problem+json" not in response["Content-Type"]):
            found.append(f"{response.status_code} {method} {path[:200]} {options}")
    return found


def paths_with_extremes() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path in addresses():
        for part in VARIABLE:
            if part in path and not path.endswith(("/delete/", "/history/", "/x/", ".json")):
                for value in EXTREMES:
                    yield "GET", path.replace(part, part.replace(part.strip("/"), value)), {}


def parameters_of_the_api() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, operation in operations("get"):
        for parameter in operation.get("parameters", []):
            if parameter["in"] == "query":
                for value in EXTREMES:
                    yield "GET", f"{path}?{parameter['name']}={value}", {}


def parameters_of_the_admin() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for model, pages in admin.site._registry.items():
        path = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        names = ["o", "p", "id__in", *(f"{name}__gte" for name in _filtered(pages))]
        if pages.date_hierarchy:
            names += [f"{pages.date_hierarchy}__{part}" for part in ("year", "month", "day")]
        for name in names:
            for value in (
                "%ED%A0%80",
                "-1",
                "0",
                "9999",
                "9" * 900,
                "9999-12-31",
                "2100-12-31 00:00:00%2B00:00",
                IDS[0],
            ):
                yield "GET", f"{path}?{name}={value}", {}


def _filtered(pages: Any) -> Iterator[str]:
    for entry in pages.list_filter:
        name = entry[0] if isinstance(entry, tuple) else entry
        yield name if isinstance(name, str) else getattr(name, "parameter_name", "") or "status"


def bodies_of_the_api() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for method in ("post", "patch", "put"):
        for path, operation in operations(method):
            example = example_of(operation)
            for name in [*example, "\ud800"]:
                for value in JSON:
                    yield method.upper(), path, body({**example, name: value})
            for value in JSON:
                yield method.upper(), path, body(value)


def body(value: Any) -> dict[str, Any]:
    return {
        "data": json.dumps(value),
        "content_type": "application/json",
        "headers": {"Idempotency-Key": quote(repr(value))[:100]},
    }


def operations(method: str) -> Iterator[tuple[str, dict[str, Any]]]:
    document = SchemaGenerator().get_schema(request=None, public=True)
    for path, item in document["paths"].items():
        if method in item:
            for name in ("{id}", "{refund_id}", "{sku}", "{provider}"):
                path = path.replace(name, "MUG" if name == "{sku}" else VARIABLE[-1])
            yield path, item[method]


def example_of(operation: dict[str, Any]) -> dict[str, Any]:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    examples = [example["value"] for example in content.get("examples", {}).values()]
    return examples[0] if examples and isinstance(examples[0], dict) else {}


@pytest.mark.parametrize(
    "requests", [paths_with_extremes, parameters_of_the_api, parameters_of_the_admin, bodies_of_the_api]
)
def test_no_extreme_value_is_an_error(client, requests):
    assert not errors(client, sample(requests(), one_in=7))
