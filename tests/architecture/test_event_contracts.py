"""What readers of our events rely on: docs/asyncapi.json is the golden file of every type and version."""

import json
from pathlib import Path
from typing import Any

import pytest

from shop.messaging.asyncapi import document

GOLDEN = json.loads((Path(__file__).resolve().parents[2] / "docs" / "asyncapi.json").read_text())
SCHEMAS = {name: schema for name, schema in GOLDEN["components"]["schemas"].items() if name != "CloudEvent"}


@pytest.mark.parametrize("name", SCHEMAS)
def test_no_reader_of_a_published_version_breaks(name: str):
    now = document()["components"]["schemas"].get(name)
    assert now, f"{name} is gone: keep a published version as long as anybody reads it"
    assert breaks(SCHEMAS[name], now) == [], f"make this a new version beside {name}"


def test_the_document_is_fresh():
    assert document() == GOLDEN, "run: manage.py asyncapi > docs/asyncapi.json"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda s: s["properties"].pop("reason"), "reason is gone"),
        (lambda s: s["properties"]["reason"].update(type="integer"), "reason is another type"),
        (lambda s: s["required"].remove("reason"), "reason may be missing"),
    ],
)
def test_a_breaking_change_is_noticed(change: Any, why: str):
    schema = SCHEMAS["orders.OrderCancelled.v1"]
    changed = json.loads(json.dumps(schema))
    change(changed)
    assert breaks(schema, changed) == [why]


def breaks(old: dict[str, Any], new: dict[str, Any], path: str = "") -> list[str]:
    """What a reader of ``old`` can no longer rely on in ``new``: additions are fine."""
    found = []
    for name, was in old.get("properties", {}).items():
        now = new.get("properties", {}).get(name)
        if now is None:
            found.append(f"{path}{name} is gone")
        elif (was.get("type"), was.get("format")) != (now.get("type"), now.get("format")):
            found.append(f"{path}{name} is another type")
        else:
            found += breaks(was, now, f"{path}{name}.")
    if "items" in old:
        found += breaks(old["items"], new.get("items", {}), f"{path}items.")
    return found + [
        f"{path}{name} may be missing"
        for name in old.get("required", [])
        if name in new.get("properties", {}) and name not in new.get("required", [])
    ]
