"""Orders are listed by their last change, for programs that keep a copy."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("orders", "0025_open_disputes")]

    operations = [
        AddIndexConcurrently("order", models.Index(fields=["changed_at", "id"], name="order_by_change")),
    ]
