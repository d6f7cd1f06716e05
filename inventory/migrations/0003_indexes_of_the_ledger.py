"""Create indexes for the newest movements of a product or of a rare kind, concurrently."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

#: Django's index of the foreign key; movement_by_product replaces it.
DROP = "DROP INDEX CONCURRENTLY IF EXISTS inventory_stockmovement_product_id_4eccfd0a"
UNDROP = "CREATE INDEX inventory_stockmovement_product_id_4eccfd0a ON inventory_stockmovement (product_id)"
_PRODUCT = models.ForeignKey(
    db_index=False, on_delete=models.deletion.PROTECT, related_name="movements", to="inventory.product"
)


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("inventory", "0002_ledger_is_append_only")]

    operations = [
        AddIndexConcurrently(
            "stockmovement", models.Index(fields=["product", "-id"], name="movement_by_product")
        ),
        # AlterField alone would drop every index of the column, that of a unique constraint as well.
        migrations.SeparateDatabaseAndState(
            [migrations.RunSQL(DROP, UNDROP)],
            [migrations.AlterField("stockmovement", "product", _PRODUCT)],
        ),
        AddIndexConcurrently(
            "stockmovement",
            models.Index(fields=["kind", "-id"], condition=~models.Q(kind="sold"), name="movement_by_kind"),
        ),
    ]
