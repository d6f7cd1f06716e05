"""Contracts of outside readers: what each needs is sent, and a change says whom it would hurt."""

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from orders.events import OrderCreated
from shop.messaging.documents import outside_readers
from shop.messaging.documents.schemas import schema_of

TYPE = OrderCreated.type
SCHEMA = schema_of(OrderCreated)


def test_all_that_outside_readers_need_is_sent():
    assert outside_readers.readers(), "docs/consumers is empty"
    assert outside_readers.hurt() == []


@pytest.fixture
def folder(tmp_path) -> Path:
    """Folder with the contract of a warehouse."""
    needs = {"number": "string", "lines[].sku": "string", "lines[].unit_price.currency": "string"}
    contract = {"contact": "warehouse@example.com", "reads": {TYPE: needs}}
    (tmp_path / "warehouse.json").write_text(json.dumps(contract))
    return tmp_path


def line(schema: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = schema["properties"]["lines"]["items"]
    return found


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda s: None, None),
        (lambda s: s["properties"].pop("customer_id"), None),
        (lambda s: s["required"].remove("number"), "number is gone, or may be missing"),
        (lambda s: line(s)["required"].remove("sku"), "lines[].sku is gone, or may be missing"),
        (
            lambda s: line(s)["properties"]["sku"].update(type="integer"),
            "lines[].sku is integer instead of string",
        ),
        (
            lambda s: line(s)["properties"]["unit_price"]["required"].remove("currency"),
            "lines[].unit_price.currency is gone, or may be missing",
        ),
    ],
)
def test_a_change_names_the_reader_that_it_hurts_and_no_other(folder, change: Any, problem: str | None):
    changed = deepcopy(SCHEMA)
    change(changed)
    expected = [f"warehouse (warehouse@example.com) reads {TYPE}: {problem}"] if problem else []
    assert outside_readers.hurt({TYPE: changed}, folder) == expected


def test_a_version_that_is_withdrawn_names_its_readers(folder):
    [found] = outside_readers.hurt({}, folder)
    assert found.endswith(f"reads {TYPE}: it is not sent any more")
