"""Orders whose money could not be taken are found by an index, also those that are delivered."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("analytics", "0011_orderfact_captured_at")]

    operations = [
        AddIndexConcurrently(
            "orderfact",
            models.Index(
                fields=["-order_id"],
                condition=Q(held_up_reason="capture_failed"),
                name="orderfact_not_captured",
            ),
        ),
    ]
