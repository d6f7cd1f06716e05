"""Orders have amounts in any currency, and may cost nothing. No table is rewritten or read.

``numeric(12, 2)`` becomes ``numeric`` in the catalogue alone. A constraint on such a column would be checked
again, row by row, while nobody may order: it goes first, and the next migration validates the new one.
"""

from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models
from django.db.models import Q

from shop.amounts import AmountField


class Migration(migrations.Migration):
    dependencies = [("orders", "0007_search_by_email")]

    operations = [
        migrations.RemoveConstraint("order", "order_total_positive"),
        migrations.RemoveConstraint("orderline", "orderline_price_positive"),
        migrations.AlterField("order", "total", AmountField()),
        migrations.AlterField("orderline", "unit_price", AmountField()),
        AddConstraintNotValid(
            "order", models.CheckConstraint(condition=Q(total__gte=0), name="order_total_not_negative")
        ),
        AddConstraintNotValid(
            "orderline",
            models.CheckConstraint(condition=Q(unit_price__gte=0), name="orderline_price_not_negative"),
        ),
    ]
