"""The newest events of a rare type are found by an index; it is made while the log goes on growing."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("messaging", "0006_inbox_horizon")]

    operations = [
        AddIndexConcurrently(
            "eventrecord", models.Index(fields=["type", "-position"], name="event_by_type")
        ),
    ]
