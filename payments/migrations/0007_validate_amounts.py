"""The constraints on amounts hold for old rows, too. Payments go on while they are read."""

from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("payments", "0006_amounts_of_any_currency")]

    operations = [
        ValidateConstraint("payment", "payment_refunded_within_amount"),
        ValidateConstraint("refund", "refund_not_negative"),
    ]
