"""No payment has more on its way back than is left of it, old ones included. Payments go on meanwhile."""

from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("payments", "0011_refunds_of_parts")]

    operations = [ValidateConstraint("payment", "payment_refunds_within_amount")]
