"""Second shipments of an order: unique is the order with the number of the shipment."""

from django.db import migrations, models

_INDEX = (
    "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS shipment_once_per_round"
    " ON shipping_shipment (order_id, round)"
)
_CONSTRAINT = (
    "ALTER TABLE shipping_shipment"
    " ADD CONSTRAINT shipment_once_per_round UNIQUE USING INDEX shipment_once_per_round"
)
_NO_CONSTRAINT = "ALTER TABLE shipping_shipment DROP CONSTRAINT shipment_once_per_round"


class Migration(migrations.Migration):
    atomic = False  # the index is made without keeping others from writing
    dependencies = [("shipping", "0008_labels_and_notices")]

    operations = [
        migrations.AddField(
            model_name="shipment",
            name="new_goods",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name="shipment",
            name="round",
            field=models.PositiveSmallIntegerField(db_default=1, default=1),
        ),
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(_INDEX, migrations.RunSQL.noop),
                migrations.RunSQL(_CONSTRAINT, _NO_CONSTRAINT),
            ],
            state_operations=[
                migrations.AddConstraint(
                    model_name="shipment",
                    constraint=models.UniqueConstraint(
                        fields=("order_id", "round"), name="shipment_once_per_round"
                    ),
                ),
            ],
        ),
        migrations.AlterField(model_name="shipment", name="order_id", field=models.UUIDField()),
    ]
