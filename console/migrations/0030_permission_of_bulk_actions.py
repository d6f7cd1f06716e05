"""Permission to see bulk actions, for the groups that make them, and for the auditor."""

from typing import Any

from django.db import migrations

from console.roles import give


def forwards(apps: Any, schema_editor: Any) -> None:
    """Give the groups their permission. On a new installation they have it already."""
    for group in ("Support", "Operations", "Auditor"):
        give(group, ["orders.view_bulkaction"])


class Migration(migrations.Migration):
    dependencies = [
        ("console", "0029_permissions_of_integrations"),
        ("orders", "0023_bulk_actions"),
    ]

    operations = [migrations.RunPython(forwards, migrations.RunPython.noop)]
