"""Compatibility of the events: golden files by type and version, and the AsyncAPI document."""

import json
from copy import deepcopy
from typing import Any

import pytest

from shop.messaging.contracts import as_version, cloudevents, event_type, newest
from shop.messaging.contracts.compatibility import breaking_changes
from shop.messaging.documents import golden_files
from shop.messaging.documents.asyncapi import document, logged_types
from shop.messaging.documents.outside_readers import by_type
from shop.messaging.documents.schemas import schema_of

FILES = {path.stem: json.loads(path.read_text()) for path in sorted(golden_files.FOLDER.glob("*.json"))}
ASYNCAPI = golden_files.FOLDER.parent / "asyncapi.json"


@pytest.mark.parametrize("kind", logged_types(), ids=lambda kind: kind.type)
def test_every_version_of_an_event_has_a_golden_file(kind: Any):
    assert kind.type in FILES, "run: manage.py golden_events"
    assert FILES[kind.type]["schema"] == schema_of(kind), "run: manage.py golden_events"


@pytest.mark.parametrize("name", FILES)
def test_no_reader_of_a_published_version_breaks(name: str):
    broken = breaking_changes(FILES[name]["schema"], schema_of(event_type(name)))
    assert broken == [], f"add a new version beside {name}; outside readers of it: {by_type()[name]}"


@pytest.mark.parametrize("name", FILES)
def test_a_message_of_every_published_version_is_still_read(name: str):
    event = cloudevents.decode(FILES[name]["example"])
    assert event.type == name
    assert as_version(event, newest(type(event))).meta == event.meta


def test_the_document_is_fresh():
    assert document() == json.loads(ASYNCAPI.read_text()), "run: manage.py asyncapi > docs/asyncapi.json"


CANCELLATION = "orders.OrderCancellationRequested.v1"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda s: s["properties"].pop("reason"), "reason is gone"),
        (lambda s: s["properties"]["reason"].update(type="integer"), "reason is another type"),
        (lambda s: s["required"].remove("reason"), "reason may be missing"),
        (lambda s: s["required"].append("by"), "by is missing in old messages"),
        (lambda s: s["properties"]["reason"]["enum"].pop(), "reason takes other values"),
        (lambda s: s["properties"]["reason"]["enum"].append("weather"), "reason takes other values"),
        (lambda s: s["properties"]["reason"].update(maxLength=3), "reason has another maxLength"),
    ],
)
def test_a_breaking_change_is_noticed(change: Any, why: str):
    schema = FILES[CANCELLATION]["schema"]
    changed = deepcopy(schema)
    change(changed)
    assert breaking_changes(schema, changed) == [why]


def test_a_breaking_change_deep_inside_is_noticed():
    schema = FILES["orders.OrderCreated.v1"]["schema"]
    changed = deepcopy(schema)
    changed["properties"]["lines"]["items"]["properties"]["unit_price"]["properties"].pop("currency")
    assert breaking_changes(schema, changed) == ["lines[].unit_price.currency is gone"]


def test_an_optional_addition_breaks_nobody():
    schema = FILES[CANCELLATION]["schema"]
    changed = deepcopy(schema)
    changed["properties"]["comment"] = {"type": "string"}
    assert breaking_changes(schema, changed) == []
