"""Orders of products that can be ordered ahead wait for goods. Orders from before are not looked at."""

from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models
from django.db.models import Q

_STATES = [
    ("remembered", "Remembered"),
    ("reserved", "Reserved"),
    ("short", "Short of stock"),
    ("awaiting", "Awaiting stock"),
    ("deducted", "Deducted"),
    ("rejected", "Rejected"),
    ("restocked", "Restocked"),
    ("released", "Released"),
]


class Migration(migrations.Migration):
    dependencies = [("inventory", "0012_validate_kinds")]

    operations = [
        migrations.AddField(
            "product",
            "backorderable",
            models.BooleanField(
                default=False,
                db_default=False,
                help_text="Whether orders wait for goods to come in when there are not enough.",
            ),
        ),
        migrations.AlterField(
            "orderstock",
            "state",
            models.CharField(choices=_STATES, default="remembered", max_length=10),
        ),
        migrations.RemoveConstraint("orderstock", "orderstock_state_is_known"),
        AddConstraintNotValid(
            "orderstock",
            models.CheckConstraint(
                condition=Q(state__in=[state for state, _ in _STATES]), name="orderstock_state_is_known"
            ),
        ),
    ]
