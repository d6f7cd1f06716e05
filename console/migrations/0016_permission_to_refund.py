"""Permissions to give money of orders back, and to see such refunds."""

from typing import Any

from django.db import migrations

from console.roles import give


def forwards(apps: Any, schema_editor: Any) -> None:
    """Give the groups their permissions. On a new installation they have them already."""
    for group in ("Support", "Auditor"):
        give(group, ["orders.view_refundrequest"])
    give("Finance", ["orders.refund_order", "orders.view_refundrequest"])


class Migration(migrations.Migration):
    dependencies = [("console", "0015_permission_to_print_labels"), ("orders", "0014_refunds")]

    operations = [migrations.RunPython(forwards, migrations.RunPython.noop)]
