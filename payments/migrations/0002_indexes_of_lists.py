"""Stopped payments, and refunds by reference, are found by an index; both are made while payments go on."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("payments", "0001_initial")]

    operations = [
        AddIndexConcurrently(
            "payment",
            models.Index(fields=["-id"], condition=~models.Q(stop_reason=""), name="payment_stopped"),
        ),
        AddIndexConcurrently("refund", models.Index(fields=["reference"], name="refund_by_reference")),
    ]
