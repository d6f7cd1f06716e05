"""Validate the kinds of movements, without keeping writers out."""

from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("inventory", "0011_receipts_losses_and_counts")]

    operations = [
        ValidateConstraint("stockmovement", "movement_goes_the_right_way"),
        ValidateConstraint("stockmovement", "movement_names_its_order"),
    ]
