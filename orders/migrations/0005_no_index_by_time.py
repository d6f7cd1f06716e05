"""Orders are found by time through their key, a UUIDv7; an index of the time itself served nobody."""

from django.contrib.postgres.operations import RemoveIndexConcurrently
from django.db import migrations


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("orders", "0004_indexes_of_reasons")]

    operations = [RemoveIndexConcurrently("order", "order_by_placed_at")]
