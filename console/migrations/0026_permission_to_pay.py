"""Permission to have orders paid by other means, for the group that answers customers."""

from typing import Any

from django.db import migrations

from console.roles import give


def forwards(apps: Any, schema_editor: Any) -> None:
    """Give the group its permission. On a new installation it has it already."""
    give("Support", ["orders.pay_order"])


class Migration(migrations.Migration):
    dependencies = [
        ("console", "0025_permissions_of_restores"),
        ("orders", "0021_retry_payment"),
    ]

    operations = [migrations.RunPython(forwards, migrations.RunPython.noop)]
