"""Validate the statuses of orders, without keeping writers out."""

from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("orders", "0018_awaiting_stock")]

    operations = [ValidateConstraint("order", "order_status_is_known")]
