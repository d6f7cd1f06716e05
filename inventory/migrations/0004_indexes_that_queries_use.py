"""Drop unused indexes, and make the index by state partial, concurrently."""

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models
from django.db.models import Q

#: Indexes that no query uses: (name, table, column with its operator class).
UNUSED = [
    ("inventory_stockmovement_order_id_12654f30", "inventory_stockmovement", "order_id"),
    ("inventory_product_sku_2aad2a63_like", "inventory_product", "sku varchar_pattern_ops"),
]
DROP = [f"DROP INDEX CONCURRENTLY IF EXISTS {name}" for name, _, _ in UNUSED]
UNDROP = [f"CREATE INDEX {name} ON {table} ({column})" for name, table, column in UNUSED]


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("inventory", "0003_indexes_of_the_ledger")]

    operations = [
        AddIndexConcurrently(
            "orderstock",
            models.Index(
                fields=["state", "-order_id"],
                condition=~Q(state="deducted"),
                name="orderstock_by_rare_state",
            ),
        ),
        RemoveIndexConcurrently("orderstock", "orderstock_by_state"),
        # AlterField alone would drop every index of a column, that of a constraint as well.
        migrations.SeparateDatabaseAndState(
            [migrations.RunSQL(DROP, UNDROP)],
            [
                migrations.AlterField(
                    "stockmovement", "order_id", models.UUIDField("order", blank=True, null=True)
                ),
            ],
        ),
    ]
