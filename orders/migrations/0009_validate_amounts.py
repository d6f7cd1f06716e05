"""The constraints on amounts hold for old rows, too. Orders go on coming while they are read."""

from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("orders", "0008_amounts_of_any_currency")]

    operations = [
        ValidateConstraint("order", "order_total_not_negative"),
        ValidateConstraint("orderline", "orderline_price_not_negative"),
    ]
