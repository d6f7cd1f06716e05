"""Limits of requests: what is refused, how, and what is not."""

import json
import re
from urllib.parse import quote

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from shop.query_limits import MAX_WORDS
from shop.rest.problems import MAX_ERRORS
from shop.web.limits import MAX_PARAMETERS, MAX_PASSWORD, MAX_PATH, MAX_QUERY, MAX_SELECTED

pytestmark = pytest.mark.django_db

FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def operator() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("olga", "olga@example.com", "correct horse"))
    return client


@pytest.mark.parametrize(
    "query",
    [
        pytest.param("search=" + "+".join("a" * (MAX_WORDS + 1)), id="words of a search"),
        pytest.param("search=" + "a" * 101, id="length of a search"),
        pytest.param("cursor=" + "a" * 201, id="length of a cursor"),
        pytest.param("page_size=" + "9" * 11, id="length of a number"),
        pytest.param("anything=" + "a" * 1_001, id="length of a value"),
        pytest.param("a" * 101 + "=1", id="length of a name"),
        pytest.param("&".join(["a=1"] * (MAX_PARAMETERS + 1)), id="number of parameters"),
        pytest.param("&".join("a" * 900 for _ in range(5)), id="length of the query"),
        pytest.param("search=%00", id="NUL in a value"),
        pytest.param("placed_before=9999-12-31T23:59:59Z", id="time that is too late"),
        pytest.param("until=1999-12-31", id="day that is too early"),
        pytest.param("day__year=99999", id="year that is too late"),
        pytest.param("day__gte=2101-01-01+00:00", id="day that is too late"),
        pytest.param("%00=1", id="NUL in a name"),
    ],
)
@pytest.mark.parametrize("path", ["/", "/api/v1/products", "/admin/login/", "/nowhere"])
def test_a_query_that_exceeds_a_limit_is_refused_before_routing(
    client, path, query, django_assert_num_queries
):
    with django_assert_num_queries(0):
        refused = client.get(f"{path}?{query}")
    assert refused.status_code == 400
    if path.startswith("/api/"):
        assert refused["Content-Type"] == "application/problem+json"
        assert refused.json()["status"] == 400
        assert refused.json()["instance"] == path
    else:
        assert refused["Content-Type"] == "text/plain; charset=utf-8"
        assert len(refused.content) < 200


@pytest.mark.parametrize(
    "query",
    ["q=" + "+".join("a" * MAX_WORDS), "before=x&after=%F0%9F%8D%B5", "a=2100-12-31&q=0001-01-01", ""],
)
def test_a_query_within_the_limits_is_answered(client, query):
    assert client.get(f"/?{query}").status_code == 200


@pytest.mark.parametrize("path", ["/products/%00/", "/api/v1/products/%00", "/" + "a" * MAX_PATH])
def test_an_impossible_path_is_refused(client, path):
    assert client.get(path).status_code == 400


@pytest.mark.parametrize("name", ["q", "error__iregex", "error__regex"])
def test_the_admin_takes_no_patterns_and_no_long_searches(operator, name):
    url = "/admin/messaging/deadletter/"
    assert operator.get(url, {name: "(a+)+ " * 12}).status_code == 400
    assert operator.get(url, {"q": "no such column"}).status_code == 200


def test_a_body_that_is_too_long_is_refused_before_it_is_parsed(client, settings):
    body = b"[" + b"0," * settings.DATA_UPLOAD_MAX_MEMORY_SIZE + b"0]"
    refused = client.post("/api/v1/token", body, content_type="application/json")
    assert (refused.status_code, refused.json()["code"]) == (413, "too_large")
    assert client.post("/accounts/login/", body, content_type=FORM).status_code == 413
    file = {"file": SimpleUploadedFile("orders.csv", body)}  # Django's own limit leaves files out
    assert client.post("/accounts/login/", file).status_code == 413


def test_a_body_of_unknown_length_is_not_taken_for_an_empty_one(client):
    headers = {"Transfer-Encoding": "chunked"}
    refused = client.generic("POST", "/api/v1/token", b"", CONTENT_LENGTH="", headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (411, "length_required")


@pytest.mark.parametrize(
    "form",
    [
        pytest.param("username=%00", id="NUL"),
        pytest.param("&".join(["_selected_action=1"] * (MAX_SELECTED + 1)), id="selected rows"),
        pytest.param("username=a&password=" + "a" * (MAX_PASSWORD + 1), id="length of a password"),
        pytest.param("&".join(f"k{number}=1" for number in range(2_000)), id="number of fields"),
    ],
)
@pytest.mark.parametrize("path", ["/accounts/login/", "/admin/orders/order/"])
def test_a_form_that_exceeds_a_limit_is_refused(operator, form, path):
    assert operator.post(path, form, content_type=FORM).status_code == 400


@pytest.mark.parametrize("charset", ["punycode", "utf-7", "idna", "rot13", "latin-1"])
@pytest.mark.parametrize("path", ["/api/v1/token", "/accounts/login/"])
def test_a_body_in_another_encoding_than_utf_8_is_refused(client, charset, path):
    content_type = f"application/json; charset={charset}"
    assert client.generic("POST", path, b"a-" * 20_000, content_type=content_type).status_code == 415


def order(**changes: object) -> bytes:
    address = {"name": "A", "street": "B", "city": "C", "postal_code": "D", "country": "GB"}
    line = {"sku": "MUG", "quantity": 1}
    return json.dumps({"lines": [line], "ship_to": address, "payment_method": "pm", **changes}).encode()


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(order(**{f"k{number}": 0 for number in range(10_000)}), id="unknown fields"),
        pytest.param(order(lines=[{f"k{n}": 0 for n in range(100)}] * 150), id="unknown fields of lines"),
        pytest.param(order(lines=[{}] * 150), id="missing fields"),
    ],
)
def test_an_answer_shows_the_first_errors_and_says_that_there_are_more(operator, body):
    refused = operator.post("/api/v1/orders", body, content_type="application/json")
    problem = refused.json()
    assert refused.status_code == 400
    assert len(problem["errors"]) == MAX_ERRORS + 1
    assert problem["errors"][-1]["code"] == "too_many_errors"
    assert re.fullmatch(r"At least \d+ more errors\.", problem["errors"][-1]["message"])
    assert len(refused.content) < 40_000


def test_an_answer_does_not_repeat_what_a_client_has_sent(operator):
    body = order(payment_method="x" * 100_000, **{"y" * 100_000: 0})
    refused = operator.post("/api/v1/orders", body, content_type="application/json")
    assert refused.status_code == 400
    assert len(refused.content) < 2_000


def test_limits_leave_room_for_what_the_shop_itself_links_to(operator):
    filters = "_changelist_filters=" + quote("q=" + "a" * 100 + "&status__exact=open&since=7")
    assert operator.get(f"/admin/orders/order/?{filters}").status_code in {200, 302}
    assert operator.get(
        "/admin/messaging/deadletter/", {"ids": ",".join(map(str, range(10**8, 10**8 + 100)))}
    )
    assert len(filters) < MAX_QUERY
