"""Stopped shipments are found by an index; it is made while parcels go on leaving."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("shipping", "0001_initial")]

    operations = [
        AddIndexConcurrently(
            "shipment",
            models.Index(fields=["-id"], condition=~models.Q(stop_reason=""), name="shipment_stopped"),
        ),
    ]
