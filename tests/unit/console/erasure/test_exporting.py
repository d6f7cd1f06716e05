"""All that is kept about a customer: counted by a dry run, and exported."""

import json

import pytest
from django.core.management import call_command

from tests.unit.console.erasure.conftest import EMAIL, WORDS
from tests.unit.console.erasure.traces import traces

pytestmark = pytest.mark.django_db


def test_a_dry_run_counts_and_changes_nothing(zebulon, capsys):
    zebulon.order()
    found = traces(WORDS)
    call_command("forget_customer", EMAIL, "--dry-run")
    counts = {table: int(count) for count, table in map(str.split, capsys.readouterr().out.splitlines())}
    assert counts["orders_order"] == counts["shipping_shipment"] == counts["payments_payment"] == 1
    assert counts["notifications_notification"] == 4
    assert {column.split(".")[0] for column in found} - counts.keys() == {
        "mail files", "payments_simulatedcharge", "shipping_simulatedlabel"
    } & {column.split(".")[0] for column in found}  # fmt: skip
    assert traces(WORDS) == found


def test_an_export_has_everything_in_clear_and_no_secret(zebulon, capsys):
    order = zebulon.order()
    call_command("export_customer", EMAIL)
    text = capsys.readouterr().out
    export = json.loads(text)
    assert export["tables"]["orders_order"][0]["ship_street"] == order.ship_street
    assert export["tables"]["auth_user"][0]["email"] == EMAIL
    [created] = [event for event in export["events"] if event["type"] == "orders.OrderCreated.v2"]
    assert created["data"]["ship_to"]["street"] == order.ship_street
    tables = {column.split(".")[0] for column in traces(WORDS)}
    assert (
        tables - {"mail files", "payments_simulatedcharge", "shipping_simulatedlabel"}
        <= export["tables"].keys()
    )
    assert zebulon.key not in text
    assert not {"password", "digest"} & {name for rows in export["tables"].values() for name in rows[0]}
