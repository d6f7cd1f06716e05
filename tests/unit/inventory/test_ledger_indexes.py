"""Indexes of the ledger, for its constraints and lists."""

import pytest
from django.db import connection


@pytest.mark.django_db
def test_the_migrations_leave_each_index_once():
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexname FROM pg_indexes WHERE tablename = 'inventory_stockmovement'")
        names = {name for (name,) in cursor.fetchall()}
    assert {"movement_one_initial_per_product", "movement_once_per_order_and_kind"} <= names
    assert {"movement_by_product", "movement_by_kind"} <= names
    assert [name for name in names if name.startswith("inventory_stockmovement_product_id_")] == []
