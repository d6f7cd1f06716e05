"""What few movements are is found by an index; it is made while stock goes on moving."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("inventory", "0002_ledger_is_append_only")]

    operations = [
        AddIndexConcurrently(
            "stockmovement",
            models.Index(fields=["kind", "-id"], condition=~models.Q(kind="sold"), name="movement_by_kind"),
        ),
    ]
