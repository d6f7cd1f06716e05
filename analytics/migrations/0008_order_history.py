"""Columns of an order for lists and searches. A rebuild fills it in for orders from before."""

from django.db import migrations, models


def _field(name: str, field: models.Field) -> migrations.AddField:
    return migrations.AddField("orderfact", name, field)


class Migration(migrations.Migration):
    dependencies = [("analytics", "0007_index_of_names")]

    operations = [
        migrations.RemoveField("projection", "beside"),  # nothing ever set it
        _field("number", models.CharField(max_length=30, blank=True, db_default="")),
        _field("customer_id", models.BigIntegerField(null=True)),
        _field("skus", models.JSONField("SKUs", null=True)),
        _field("carrier", models.CharField(max_length=100, blank=True, db_default="")),
        _field("held_up_at", models.DateTimeField(null=True)),
        _field("held_up_reason", models.CharField(max_length=20, blank=True, db_default="")),
        _field("held_up_in", models.CharField(max_length=15, blank=True, db_default="")),
        _field("went_on_at", models.DateTimeField(null=True)),
        _field("paid_back_at", models.DateTimeField(null=True)),
    ]
