"""The Python client: as the document is, and steady when the shop is not."""

import json
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from dev.clients.document import digest, lean
from dev.clients.operations import render
from dev.paths import ROOT
from tests.support.http_stand_in import HttpStandIn, SilentHandler
from tests.support.openapi import DOCUMENT, OPERATIONS

FOLDER = ROOT / "clients" / "python"
sys.path.append(str(FOLDER))

import shop_client.client  # noqa: E402
from shop_client import ShopClient, ShopError  # noqa: E402


def text(name: str) -> str:
    return Path(FOLDER, "shop_client", name).read_text()


def test_operations_and_models_are_those_of_the_document():
    assert text("operations.py") == render(lean(DOCUMENT)), "run: script/client"
    assert digest(lean(DOCUMENT)) in text("models.py"), "run: script/client"


def test_there_is_a_method_for_each_operation():
    for operation in OPERATIONS.values():
        assert callable(getattr(ShopClient, operation["operationId"]))


class Handler(SilentHandler, BaseHTTPRequestHandler):
    """Answers with what the test has put there, in its order."""

    def do_GET(self) -> None:
        stand_in = self.server.stand_in  # type: ignore[attr-defined]
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        stand_in.seen.append((self.command, self.path, dict(self.headers), body.decode()))
        status, headers, data = stand_in.answers.pop(0)
        if not status:
            self.close_connection = True
            return
        text = json.dumps(data).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_POST = do_GET  # noqa: N815 - as http.server calls it


class Shop(HttpStandIn):
    """A shop that answers what it is told."""

    handler = Handler
    answers: list[tuple[int, dict[str, str], Any]]


@pytest.fixture
def shop() -> Iterator[Shop]:
    shop = Shop()
    yield shop
    shop.close()


@pytest.fixture
def waits(monkeypatch) -> list[float]:
    """Seconds that the client would have waited."""
    waits: list[float] = []
    monkeypatch.setattr(shop_client.client.time, "sleep", waits.append)
    return waits


ORDER: Any = {"lines": []}


def test_what_changes_something_is_repeated_with_one_key_until_it_is_answered(shop, waits):
    shop.answers = [(0, {}, None), (503, {"Retry-After": "7"}, {}), (201, {}, {"id": "1"})]
    assert ShopClient(shop.url, "key").orders_create(ORDER)["id"] == "1"
    keys = {headers["Idempotency-Key"] for _, _, headers, _ in shop.seen}
    assert (len(shop.seen), len(keys)) == (3, 1)
    assert {headers["Authorization"] for _, _, headers, _ in shop.seen} == {"Bearer key"}
    assert waits == [0.5, 7.0]


def test_a_refusal_is_an_error_with_its_code_and_fields_and_is_not_repeated(shop, waits):
    errors = [{"field": "lines", "message": "The order is empty.", "code": "empty"}]
    shop.answers = [(400, {}, {"code": "invalid", "detail": "lines: The order is empty.", "errors": errors})]
    with pytest.raises(ShopError, match="400 lines: The order is empty") as caught:
        ShopClient(shop.url).orders_create(ORDER)
    assert (caught.value.code, caught.value.errors) == ("invalid", {"lines": "The order is empty."})
    assert waits == []


def test_attempts_end(shop, waits):
    shop.answers = [(429, {}, {})] * 2
    with pytest.raises(ShopError, match="429"):
        ShopClient(shop.url, attempts=2).products_list()
    assert len(waits) == 1


def test_what_is_no_read_and_has_no_key_is_not_repeated(shop, waits):
    shop.answers = [(503, {}, {})]
    with pytest.raises(ShopError):
        ShopClient(shop.url).request("POST", "/api/v1/token", body={})
    assert len(shop.seen) == 1


def test_pages_are_followed_to_the_end(shop):
    after = f"{shop.url}/api/v1/orders?cursor=2"
    shop.answers = [
        (200, {}, {"next": after, "results": [1, 2]}),
        (200, {}, {"next": None, "results": [3]}),
    ]
    client = ShopClient(shop.url, "key")
    assert list(client.pages(client.orders_list, status=["placed", "paid"])) == [1, 2, 3]
    assert [path for _, path, _, _ in shop.seen] == [
        "/api/v1/orders?status=placed&status=paid",
        "/api/v1/orders?cursor=2",
    ]


def test_the_key_goes_to_no_other_host(shop):
    shop.answers = [(200, {}, {})]
    ShopClient("http://localhost:1", "key").request("GET", f"{shop.url}/api/v1/orders")
    assert "Authorization" not in shop.seen[0][2]


def test_a_path_is_quoted(shop):
    shop.answers = [(200, {}, {})]
    ShopClient(shop.url).products_retrieve("A/B?")
    assert shop.seen[0][1] == "/api/v1/products/A%2FB%3F"
