"""Shipments keep the indexes that a query uses; the others go while parcels go on leaving."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models import Q

#: Indexes that no query uses: (name, table, column with its operator class).
UNUSED = [
    ("shipping_shipment_order_number_03840f8a_like", "shipping_shipment", "order_number varchar_pattern_ops"),
    ("shipping_shipment_state_493bd529", "shipping_shipment", "state"),
    ("shipping_shipment_state_493bd529_like", "shipping_shipment", "state varchar_pattern_ops"),
    ("shipping_shipment_tracking_number_5e801ba4", "shipping_shipment", "tracking_number"),
    ("shipping_shipment_tracking_number_5e801ba4_like", "shipping_shipment", "tracking_number varchar_pattern_ops"),
    ("shipping_simulatedlabel_key_f0a2994e_like", "shipping_simulatedlabel", "key varchar_pattern_ops"),
    ("shipping_simulatedlabel_tracking_number_1e6ad21b_like", "shipping_simulatedlabel", "tracking_number varchar_pattern_ops"),
    ("shipping_trackingevent_shipment_id_c26f8c2d", "shipping_trackingevent", "shipment_id"),
]
DROP = [f"DROP INDEX CONCURRENTLY IF EXISTS {name}" for name, _, _ in UNUSED]
UNDROP = [f"CREATE INDEX {name} ON {table} ({column})" for name, table, column in UNUSED]

_STATE = models.CharField(
    choices=[
        ("remembered", "Remembered"),
        ("booking", "Booking"),
        ("shipped", "Shipped"),
        ("delivered", "Delivered"),
        ("returned", "Returned"),
        ("lost", "Lost"),
        ("failed", "Failed"),
        ("stopped", "Stopped"),
    ],
    default="remembered",
    max_length=10,
)
_SHIPMENT = models.ForeignKey(
    db_index=False, on_delete=models.deletion.CASCADE, related_name="tracking_events", to="shipping.shipment"
)


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("shipping", "0002_index_of_stopped")]

    operations = [
        AddIndexConcurrently(
            "shipment",
            models.Index(
                fields=["state", "-id"], condition=~Q(state="delivered"), name="shipment_by_rare_state"
            ),
        ),
        AddIndexConcurrently(
            "shipment",
            models.Index(
                fields=["tracking_number"],
                condition=~Q(tracking_number=""),
                name="shipment_by_tracking_number",
            ),
        ),
        migrations.AlterField("shipment", "idempotency_key", models.CharField(max_length=100)),
        # AlterField alone would drop every index of a column, and not beside its readers.
        migrations.SeparateDatabaseAndState(
            [migrations.RunSQL(DROP, UNDROP)],
            [
                migrations.AlterField("shipment", "state", _STATE),
                migrations.AlterField(
                    "shipment", "tracking_number", models.CharField(blank=True, max_length=100)
                ),
                migrations.AlterField("trackingevent", "shipment", _SHIPMENT),
            ],
        ),
    ]
