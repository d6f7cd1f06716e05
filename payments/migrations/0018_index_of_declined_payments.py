"""Payments declined today are counted by an index; it is made while orders go on coming."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):

    atomic = False
    dependencies = [("payments", "0017_attempts")]
    operations = [
        AddIndexConcurrently(
            "payment",
            models.Index(
                fields=["updated_at"], condition=Q(state="requires_payment_method"), name="payment_declined"
            ),
        ),
    ]
