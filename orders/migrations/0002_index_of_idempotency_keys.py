"""Old Idempotency-Keys are found by an index; it is made while orders go on coming."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("orders", "0001_initial")]

    operations = [
        AddIndexConcurrently(
            "order",
            models.Index(fields=["placed_at"], condition=~Q(idempotency_key=""), name="order_with_key_by_age"),
        ),
    ]
