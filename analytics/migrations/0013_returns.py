"""Returns of orders and of days. Old workers write neither, so days without returns count none."""

from django.db import migrations, models


def _count(name: str, verbose_name: str | None = None) -> migrations.AddField:
    field = models.BigIntegerField(verbose_name, default=0, db_default=0)
    return migrations.AddField("dailysales", name, field)


def _of_order(name: str, field: models.Field) -> migrations.AddField:
    return migrations.AddField("orderfact", name, field)


class Migration(migrations.Migration):
    dependencies = [("analytics", "0012_index_of_unpaid_orders")]

    operations = [
        _of_order("return_requested_at", models.DateTimeField(null=True)),
        _of_order("return_approved_at", models.DateTimeField(null=True)),
        _of_order("return_rejected_at", models.DateTimeField(null=True)),
        _of_order("return_received_at", models.DateTimeField(null=True)),
        _of_order("returns", models.JSONField(null=True)),
        _count("returns_requested"),
        _count("returns_approved"),
        _count("returns_rejected", "returns refused"),
        _count("returns_received"),
    ]
