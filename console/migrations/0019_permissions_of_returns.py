"""Permissions to ask for, decide and receive returns, and to see them."""

from typing import Any

from django.db import migrations

from console.roles import give


def forwards(apps: Any, schema_editor: Any) -> None:
    """Give the groups their permissions. On a new installation they have them already."""
    for group in ("Finance", "Auditor"):
        give(group, ["orders.view_return"])
    give("Support", ["orders.view_return", "orders.request_return", "orders.decide_return"])
    give("Warehouse", ["orders.view_return", "orders.receive_return"])


class Migration(migrations.Migration):
    dependencies = [("console", "0018_permission_to_let_mail_pass"), ("orders", "0016_returns")]

    operations = [migrations.RunPython(forwards, migrations.RunPython.noop)]
