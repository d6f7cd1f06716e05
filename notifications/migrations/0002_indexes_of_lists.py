"""Create indexes for messages of a recipient or of a rare kind, concurrently."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models.functions import Upper


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("notifications", "0001_initial")]

    operations = [
        AddIndexConcurrently(
            "notification",
            models.Index(
                fields=["kind", "-id"],
                condition=models.Q(
                    kind__in=["payment_failed", "refunded", "cancellation_rejected", "cancelled"]
                ),
                name="notification_by_rare_kind",
            ),
        ),
        AddIndexConcurrently("notification", models.Index(Upper("email"), name="notification_by_email")),
        AddIndexConcurrently("recipient", models.Index(fields=["number"], name="recipient_by_number")),
        AddIndexConcurrently("recipient", models.Index(Upper("email"), name="recipient_by_email")),
    ]
