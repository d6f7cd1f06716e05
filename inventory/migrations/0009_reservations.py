"""Stock is reserved for orders. What is available stays as it is; orders from before are not looked at."""

from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("inventory", "0008_goods_that_come_back_once")]

    operations = [
        migrations.AddField(
            "product",
            "reserved",
            models.BigIntegerField(
                default=0, db_default=0, help_text="What is held for orders that are not paid yet."
            ),
        ),
        migrations.AddConstraint(
            "product",
            models.CheckConstraint(condition=Q(reserved__gte=0), name="product_reserved_not_negative"),
        ),
        migrations.AlterField(
            "orderstock",
            "state",
            models.CharField(
                choices=[
                    ("remembered", "Remembered"),
                    ("reserved", "Reserved"),
                    ("deducted", "Deducted"),
                    ("rejected", "Rejected"),
                    ("restocked", "Restocked"),
                    ("released", "Released"),
                ],
                default="remembered",
                max_length=10,
            ),
        ),
        migrations.RemoveConstraint("orderstock", "orderstock_state_is_known"),
        AddConstraintNotValid(
            "orderstock",
            models.CheckConstraint(
                condition=Q(
                    state__in=["remembered", "reserved", "deducted", "rejected", "restocked", "released"]
                ),
                name="orderstock_state_is_known",
            ),
        ),
    ]
