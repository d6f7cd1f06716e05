"""Sums of analytics are as wide as they get. Of its tables, the small one of the days is rewritten alone."""

from django.db import migrations, models

from shop.amounts import AmountField

_COUNTS = ("orders_placed", "orders_paid", "orders_shipped", "orders_delivered", "orders_cancelled")
_MONEY = ("revenue_captured", "revenue_refunded")


class Migration(migrations.Migration):
    dependencies = [("analytics", "0003_schema_of_rebuilds")]

    operations = [
        *(migrations.AlterField("dailysales", name, models.BigIntegerField(default=0)) for name in _COUNTS),
        *(migrations.AlterField("dailysales", name, AmountField(default=0)) for name in _MONEY),
        migrations.AlterField("orderfact", "total", AmountField(null=True)),
        migrations.AlterField("productrevenue", "ordered", AmountField(default=0)),
    ]
