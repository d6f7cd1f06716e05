"""The catalogue of the events: complete, and as the code is."""

import pytest
from django.core.management import CommandError, call_command

from console import event_catalogue
from orders.events import OrderCreated
from shop.messaging.contracts import newest
from shop.messaging.documents.asyncapi import logged_types


def section(name: str) -> str:
    return event_catalogue.page().partition(f"## {name}\n")[2].partition("\n## ")[0]


def test_the_committed_catalogue_is_fresh():
    call_command("event_catalogue", "--check")


def test_a_stale_catalogue_is_refused(tmp_path):
    with pytest.raises(CommandError, match="is stale: run"):
        call_command("event_catalogue", "--check", "--file", str(tmp_path / "events.md"))


def test_every_event_has_a_section():
    headings = {line[3:] for line in event_catalogue.page().splitlines() if line.startswith("## ")}
    assert headings == {f"{kind.app}.{newest(kind).type.split('.')[1]}" for kind in logged_types()}


def test_an_event_says_who_publishes_and_who_consumes_it_and_why():
    text = section("payments.PaymentProcessed")
    assert "`payments.when_order_created_charge_customer`" in text
    assert "**inventory**: Take what is reserved for a paid order from the stock" in text
    assert '"order_id"' in text


def test_versions_and_outside_readers_are_named():
    text = section("orders.OrderCreated")
    assert f"[`{OrderCreated.type}`](events/{OrderCreated.type}.json) sent" in text
    assert "[`orders.OrderCreated.v1`](events/orders.OrderCreated.v1.json)" in text
    assert "| outside readers | load-generator |" in text
