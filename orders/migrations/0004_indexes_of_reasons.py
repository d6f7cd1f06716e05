"""Orders are found by their rare reasons; the indexes are made while orders go on coming."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("orders", "0003_attention_stage_and_note")]

    operations = [
        AddIndexConcurrently(
            "order",
            models.Index(
                fields=["attention_reason", "-id"],
                condition=~models.Q(attention_reason=""),
                name="order_by_attention",
            ),
        ),
        AddIndexConcurrently(
            "order",
            models.Index(
                fields=["cancel_reason", "-id"],
                condition=~models.Q(cancel_reason=""),
                name="order_by_cancel_reason",
            ),
        ),
    ]
