"""Stopped payments are found by an index; it is made while payments go on coming."""

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
    ]
