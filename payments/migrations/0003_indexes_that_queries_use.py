"""Payments keep the indexes that a query uses; the others go while payments go on."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models import Q

#: Indexes that no query uses: (name, table, column with its operator class).
UNUSED = [
    ("payments_payment_order_number_bd503a60_like", "payments_payment", "order_number varchar_pattern_ops"),
    ("payments_payment_reference_1d502039", "payments_payment", "reference"),
    ("payments_payment_reference_1d502039_like", "payments_payment", "reference varchar_pattern_ops"),
    ("payments_payment_state_ea330c14", "payments_payment", "state"),
    ("payments_payment_state_ea330c14_like", "payments_payment", "state varchar_pattern_ops"),
    ("payments_refund_idempotency_key_5cf64fcf_like", "payments_refund", "idempotency_key varchar_pattern_ops"),
    ("payments_refund_payment_id_a70693f7", "payments_refund", "payment_id"),
    ("payments_refund_state_8b2c9c74", "payments_refund", "state"),
    ("payments_refund_state_8b2c9c74_like", "payments_refund", "state varchar_pattern_ops"),
    ("payments_simulatedcharge_key_aa289d7d_like", "payments_simulatedcharge", "key varchar_pattern_ops"),
    ("payments_simulatedcharge_reference_904e98ee_like", "payments_simulatedcharge", "reference varchar_pattern_ops"),
    ("payments_simulatedrefund_charge_id_0d8b18d7_like", "payments_simulatedrefund", "charge_id varchar_pattern_ops"),
    ("payments_simulatedrefund_key_57971671_like", "payments_simulatedrefund", "key varchar_pattern_ops"),
    ("payments_simulatedrefund_reference_4c94d302_like", "payments_simulatedrefund", "reference varchar_pattern_ops"),
]
DROP = [f"DROP INDEX CONCURRENTLY IF EXISTS {name}" for name, _, _ in UNUSED]
UNDROP = [f"CREATE INDEX {name} ON {table} ({column})" for name, table, column in UNUSED]

_PAYMENT_STATE = models.CharField(
    choices=[
        ("processing", "Processing"),
        ("succeeded", "Succeeded"),
        ("failed", "Failed"),
        ("voided", "Voided"),
    ],
    default="processing",
    max_length=10,
)
_REFUND_STATE = models.CharField(
    choices=[
        ("requested", "Requested"),
        ("pending", "Pending"),
        ("succeeded", "Succeeded"),
        ("failed", "Failed"),
    ],
    default="requested",
    max_length=10,
)
_PAYMENT = models.ForeignKey(
    db_index=False, on_delete=models.deletion.PROTECT, related_name="refunds", to="payments.payment"
)


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("payments", "0002_indexes_of_lists")]

    operations = [
        AddIndexConcurrently(
            "payment",
            models.Index(fields=["state", "-id"], condition=~Q(state="succeeded"), name="payment_by_rare_state"),
        ),
        AddIndexConcurrently(
            "payment",
            models.Index(fields=["reference"], condition=~Q(reference=""), name="payment_by_reference"),
        ),
        AddIndexConcurrently("refund", models.Index(fields=["state", "-id"], name="refund_by_state")),
        migrations.AlterField("payment", "idempotency_key", models.CharField(max_length=100)),
        # AlterField alone would drop every index of a column, and not beside its readers.
        migrations.SeparateDatabaseAndState(
            [migrations.RunSQL(DROP, UNDROP)],
            [
                migrations.AlterField("payment", "reference", models.CharField(blank=True, max_length=100)),
                migrations.AlterField("payment", "state", _PAYMENT_STATE),
                migrations.AlterField("refund", "state", _REFUND_STATE),
                migrations.AlterField("refund", "payment", _PAYMENT),
            ],
        ),
    ]
