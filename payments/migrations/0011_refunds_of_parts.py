"""Payments count what is being given back, and may have several refunds of parts that staff requested.

The next migration reads the table of payments for the new constraint. Until then nothing counts the open
refunds of before: it does that, too.
"""

from decimal import Decimal

from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models
from django.db.models import F, Q

from shop.amounts import AmountField

#: Open refunds have an index by their state.
_COUNT = """
    UPDATE payments_payment AS payment SET amount_refund_open = open.sum
    FROM (SELECT payment_id, sum(amount) AS sum FROM payments_refund
          WHERE state IN ('requested', 'pending') GROUP BY payment_id) AS open
    WHERE payment.id = open.payment_id
"""


class Migration(migrations.Migration):
    dependencies = [("payments", "0010_disputes")]

    operations = [
        migrations.RemoveConstraint("refund", "refund_once_per_reason"),
        migrations.RemoveConstraint("refund", "refund_one_live_per_payment"),
        migrations.AddField(
            "payment", "amount_refund_open", AmountField(db_default=Decimal(0), default=Decimal(0))
        ),
        migrations.RunSQL(_COUNT, migrations.RunSQL.noop),
        AddConstraintNotValid(
            "payment",
            models.CheckConstraint(
                condition=Q(
                    amount_refund_open__gte=0, amount_refund_open__lte=F("amount") - F("amount_refunded")
                ),
                name="payment_refunds_within_amount",
            ),
        ),
        migrations.AddConstraint(
            "refund",
            models.UniqueConstraint(
                fields=["payment", "reason"],
                condition=~Q(channel="provider") & ~Q(reason="requested"),
                name="refund_once_per_reason",
            ),
        ),
        migrations.AddConstraint(
            "refund",
            models.UniqueConstraint(
                fields=["payment"],
                condition=~Q(state="failed") & ~Q(channel="provider") & ~Q(reason="requested"),
                name="refund_one_live_per_payment",
            ),
        ),
    ]
