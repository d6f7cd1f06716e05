"""Movements tell receipts, losses and counts apart. The ledger is neither rewritten nor read."""

from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models
from django.db.models import Q

_KINDS = [
    ("initial", "Initial stock"),
    ("sold", "Sold"),
    ("restocked", "Restocked"),
    ("returned", "Returned"),
    ("received", "Received"),
    ("write_off", "Written off"),
    ("counted", "Counted"),
    ("adjusted", "Adjusted"),
]


class Migration(migrations.Migration):
    dependencies = [("inventory", "0010_validate_states")]

    operations = [
        migrations.AlterField("stockmovement", "kind", models.CharField(choices=_KINDS, max_length=9)),
        migrations.RemoveConstraint("stockmovement", "movement_goes_the_right_way"),
        migrations.RemoveConstraint("stockmovement", "movement_names_its_order"),
        AddConstraintNotValid(
            "stockmovement",
            models.CheckConstraint(
                condition=Q(kind="initial", quantity__gte=0)
                | Q(kind="sold", quantity__lt=0)
                | Q(kind__in=["restocked", "returned"], quantity__gt=0)
                | (Q(kind="received", quantity__gt=0) & ~Q(reason=""))
                | (Q(kind="write_off", quantity__lt=0) & ~Q(reason=""))
                | (Q(kind__in=["counted", "adjusted"]) & ~Q(quantity=0) & ~Q(reason="")),
                name="movement_goes_the_right_way",
            ),
        ),
        AddConstraintNotValid(
            "stockmovement",
            models.CheckConstraint(
                condition=Q(kind__in=["sold", "restocked", "returned"], order_id__isnull=False)
                | Q(
                    kind__in=["initial", "received", "write_off", "counted", "adjusted"],
                    order_id__isnull=True,
                ),
                name="movement_names_its_order",
            ),
        ),
    ]
