"""Permission to settle orders, for the group that answers customers."""

from typing import Any

from django.db import migrations

from console.roles import give


def forwards(apps: Any, schema_editor: Any) -> None:
    """Give the group its permission. On a new installation it has it already."""
    give("Support", ["orders.settle_order"])


class Migration(migrations.Migration):
    dependencies = [("console", "0007_accounts_by_name"), ("orders", "0010_settled")]

    operations = [migrations.RunPython(forwards, migrations.RunPython.noop)]
