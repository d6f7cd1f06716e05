"""Refunds of a payment are found by an index of their own: the unique ones leave out what was learnt."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("payments", "0008_refunds_learnt")]

    operations = [
        AddIndexConcurrently("refund", models.Index(fields=["payment"], name="refund_by_payment")),
    ]
