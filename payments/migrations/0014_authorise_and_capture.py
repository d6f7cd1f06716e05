"""Payments are authorised and captured, in the words of Stripe's PaymentIntents.

No table but the simulated gateway's is rewritten: the new columns have defaults in the catalogue, the column
of the state becomes wider, and the next migration fills what was captured, while payments go on.
"""

from decimal import Decimal

from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models
from django.db.models import F, Q

from shop.amounts import AmountField

STATES = [
    ("processing", "Processing"),
    ("requires_capture", "Requires Capture"),
    ("succeeded", "Succeeded"),
    ("requires_payment_method", "Declined"),
    ("canceled", "Canceled"),
]
STATUSES = [
    ("processing", "Processing"),
    ("requires_capture", "Requires Capture"),
    ("succeeded", "Succeeded"),
    ("requires_payment_method", "Declined"),
    ("canceled", "Canceled"),
]
OPERATIONS = [
    ("authorise", "Authorise"),
    ("capture", "Capture"),
    ("find", "Find"),
    ("cancel", "Cancel"),
    ("refund", "Refund"),
    ("find_refund", "Find Refund"),
    ("find_refunds", "Find Refunds"),
]
CHANNELS = [
    ("shop", "Shop"),
    ("provider", "Provider"),
    ("otherwise", "Otherwise"),
    ("hold", "Hold"),
]
#: The simulator took money at once: what succeeded there is captured.
BOOKS = """
    UPDATE payments_simulatedcharge SET captured = amount WHERE status = 'succeeded';
    UPDATE payments_gatewayfault SET operation = CASE operation WHEN 'charge' THEN 'authorise'
        WHEN 'find_charge' THEN 'find' ELSE 'cancel' END
    WHERE operation IN ('charge', 'find_charge', 'cancel_charge');
"""


class Migration(migrations.Migration):
    dependencies = [("payments", "0013_index_of_disputes")]

    operations = [
        migrations.AlterModelOptions(
            "payment", {"permissions": [("retry_capture", "Can retry captures that failed")]}
        ),
        migrations.AddField(
            "payment", "amount_captured", AmountField(db_default=Decimal(0), default=Decimal(0))
        ),
        migrations.AddField("payment", "attempt", models.PositiveSmallIntegerField(db_default=1, default=1)),
        migrations.AddField(
            "payment", "capture_attempt", models.PositiveSmallIntegerField(db_default=1, default=1)
        ),
        migrations.AddField("payment", "authorised_until", models.DateTimeField(blank=True, null=True)),
        migrations.AlterField(
            "payment", "state", models.CharField(choices=STATES, default="processing", max_length=30)
        ),
        migrations.AlterField(
            "refund",
            "channel",
            models.CharField(choices=CHANNELS, db_default="shop", default="shop", max_length=10),
        ),
        migrations.RemoveConstraint("payment", "payment_refunded_within_amount"),
        migrations.RemoveConstraint("payment", "payment_refunds_within_amount"),
        AddConstraintNotValid(
            "payment",
            models.CheckConstraint(
                condition=Q(amount_captured__gte=0, amount_captured__lte=F("amount")),
                name="payment_captured_within_amount",
            ),
        ),
        migrations.AddField(
            "simulatedcharge", "captured", AmountField(db_default=Decimal(0), default=Decimal(0))
        ),
        migrations.AddField(
            "simulatedcharge",
            "refused_capture",
            models.CharField(blank=True, db_default="", default="", max_length=255),
        ),
        migrations.AlterField(
            "simulatedcharge",
            "status",
            models.CharField(choices=STATUSES, default="processing", max_length=30),
        ),
        migrations.AlterField(
            "gatewayfault", "operation", models.CharField(blank=True, choices=OPERATIONS, max_length=20)
        ),
        migrations.RunSQL(BOOKS, migrations.RunSQL.noop),
    ]
