"""Permission to see disputes, for the groups of staff that see the money."""

from typing import Any

from django.db import migrations

from console.roles import give


def forwards(apps: Any, schema_editor: Any) -> None:
    """Give the groups the permission. On a new installation they have it already."""
    for name in ("Finance", "Auditor"):
        give(name, ["payments.view_dispute"])


class Migration(migrations.Migration):
    dependencies = [("console", "0013_permissions_of_webhooks"), ("payments", "0010_disputes")]

    operations = [migrations.RunPython(forwards, migrations.RunPython.noop)]
