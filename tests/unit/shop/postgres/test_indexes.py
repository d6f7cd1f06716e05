"""Indexes of the tables written for each order: only those that a query uses."""

import pytest
from django.db import connection

from payments.models import Payment
from shipping.models import Shipment

APPS = ("payments", "shipping", "inventory", "analytics", "integrations")


def indexes_of(pattern: str) -> dict[str, str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexname, indexdef FROM pg_indexes WHERE tablename ~ %s", [pattern])
        return dict(cursor.fetchall())


@pytest.mark.django_db
def test_no_index_serves_searches_by_how_a_text_begins():
    found = indexes_of(f"^({'|'.join(APPS)})_")
    assert found
    assert [name for name, definition in found.items() if "pattern_ops" in definition] == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("model", "key", "names"),
    [
        (
            Payment,
            "order_id",
            {"payment_stopped", "payment_by_rare_state", "payment_by_reference", "payment_declined"},
        ),
        (
            Shipment,
            "order_id, round",
            {"shipment_stopped", "shipment_by_rare_state", "shipment_by_tracking_number"},
        ),
    ],
)
def test_an_order_writes_three_indexes_and_those_of_what_is_rare(model, key, names):
    found = indexes_of(f"^{model._meta.db_table}$")
    always = [definition.split(" USING ")[1] for definition in found.values() if " WHERE " not in definition]
    assert sorted(always) == ["btree (id)", f"btree ({key})", "btree (order_number)"]
    assert {name for name, definition in found.items() if " WHERE " in definition} == names
