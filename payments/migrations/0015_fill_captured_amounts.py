"""Fill the captured amounts and rename the states of old payments, in small steps beside live ones."""

from typing import Any

from django.contrib.postgres.operations import AddConstraintNotValid, ValidateConstraint
from django.db import migrations, models
from django.db.models import F, Q

#: Payments that one statement changes.
STEP = 5_000
#: An old release charged at once: what succeeded is captured. The next payment after the last one's key.
FILL = """
    WITH step AS (SELECT id FROM payments_payment WHERE id > %s ORDER BY id LIMIT %s),
    changed AS (
        UPDATE payments_payment AS payment
        SET amount_captured = CASE state WHEN 'succeeded' THEN amount ELSE amount_captured END,
            state = CASE state WHEN 'failed' THEN 'requires_payment_method' WHEN 'voided' THEN 'canceled'
                    ELSE state END
        FROM step WHERE payment.id = step.id AND (
            state IN ('failed', 'voided') OR (state = 'succeeded' AND amount_captured <> amount)
        )
    )
    SELECT id FROM step ORDER BY id DESC LIMIT 1
"""
BACK = """
    UPDATE payments_payment SET state = CASE state WHEN 'requires_payment_method' THEN 'failed' ELSE 'voided' END
    WHERE state IN ('requires_payment_method', 'canceled')
"""


def fill(apps: Any, schema_editor: Any) -> None:
    """Fill the columns of all payments, oldest first. It may be broken off and run again."""
    last = ["00000000-0000-0000-0000-000000000000"]
    while last:
        with schema_editor.connection.cursor() as cursor:
            cursor.execute(FILL, [last[0], STEP])
            last = [key for (key,) in cursor.fetchall()]


def take_back(apps: Any, schema_editor: Any) -> None:
    """Give the states their former names."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(BACK)


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("payments", "0014_authorise_and_capture")]

    operations = [
        migrations.RunPython(fill, take_back),
        AddConstraintNotValid(
            "payment",
            models.CheckConstraint(
                condition=Q(amount_refunded__gte=0, amount_refunded__lte=F("amount_captured")),
                name="payment_refunded_within_captured",
            ),
        ),
        AddConstraintNotValid(
            "payment",
            models.CheckConstraint(
                condition=Q(amount_refund_open__gte=0)
                & (
                    Q(amount_refund_open__lte=F("amount_captured") - F("amount_refunded"))
                    | Q(state="requires_capture", amount_refund_open__lt=F("amount"))
                ),
                name="payment_refunds_within_captured",
            ),
        ),
        ValidateConstraint("payment", "payment_captured_within_amount"),
        ValidateConstraint("payment", "payment_refunds_within_captured"),
        ValidateConstraint("payment", "payment_refunded_within_captured"),
    ]
