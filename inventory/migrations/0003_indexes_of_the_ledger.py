"""The newest movements of a product, or of a rare kind, are found by an index; made while stock goes on moving."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("inventory", "0002_ledger_is_append_only")]

    operations = [
        AddIndexConcurrently(
            "stockmovement", models.Index(fields=["product", "-id"], name="movement_by_product")
        ),
        migrations.AlterField(
            "stockmovement",
            "product",
            models.ForeignKey(
                db_index=False,
                on_delete=models.deletion.PROTECT,
                related_name="movements",
                to="inventory.product",
            ),
        ),
        AddIndexConcurrently(
            "stockmovement",
            models.Index(fields=["kind", "-id"], condition=~models.Q(kind="sold"), name="movement_by_kind"),
        ),
    ]
