"""Payments have amounts in any currency. No table but the simulated gateway's is rewritten or read.

``numeric(12, 2)`` becomes ``numeric`` in the catalogue alone. A constraint on such a column would be checked
again, row by row, while nothing can be charged: it goes first, and the next migration validates it.
"""

from decimal import Decimal

from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models
from django.db.models import F, Q

from shop.amounts import AmountField


class Migration(migrations.Migration):
    dependencies = [("payments", "0005_permissions")]

    operations = [
        migrations.RemoveConstraint("payment", "payment_refunded_within_amount"),
        migrations.RemoveConstraint("refund", "refund_not_negative"),
        migrations.AlterField("payment", "amount", AmountField()),
        migrations.AlterField("payment", "amount_refunded", AmountField(default=Decimal(0))),
        migrations.AlterField("refund", "amount", AmountField()),
        AddConstraintNotValid(
            "payment",
            models.CheckConstraint(
                condition=Q(amount_refunded__gte=0, amount_refunded__lte=F("amount")),
                name="payment_refunded_within_amount",
            ),
        ),
        AddConstraintNotValid(
            "refund", models.CheckConstraint(condition=Q(amount__gte=0), name="refund_not_negative")
        ),
        migrations.AlterField("simulatedcharge", "amount", AmountField(default=Decimal(0))),
        migrations.AlterField("simulatedrefund", "amount", AmountField()),
    ]
