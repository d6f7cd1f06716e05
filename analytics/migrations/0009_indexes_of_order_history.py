"""Indexes of lists and searches, made while the table is written."""

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models import Q

OPEN = Q(delivered_at=None, cancelled_at=None, settled_at=None)
ENDED_OTHERWISE = ~Q(cancelled_at=None) | ~Q(settled_at=None)
INDEXES = [
    models.Index(fields=["number"], name="orderfact_by_number"),
    models.Index(fields=["customer_id", "-order_id"], name="orderfact_by_customer"),
    GinIndex(fields=["skus"], opclasses=["jsonb_path_ops"], name="orderfact_by_sku"),
    models.Index(fields=["-order_id"], condition=OPEN, name="orderfact_open"),
    models.Index(fields=["-order_id"], condition=ENDED_OTHERWISE, name="orderfact_ended_otherwise"),
]


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("analytics", "0008_order_history")]

    operations = [AddIndexConcurrently("orderfact", index) for index in INDEXES]
