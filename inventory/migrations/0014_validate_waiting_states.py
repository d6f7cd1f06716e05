"""Validate the states of the stock of orders, without keeping writers out."""

from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("inventory", "0013_backorders")]

    operations = [ValidateConstraint("orderstock", "orderstock_state_is_known")]
