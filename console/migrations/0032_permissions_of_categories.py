"""Permissions to see categories, for those who see products, and to keep them, for those who keep the catalogue."""

from typing import Any

from django.db import migrations

from console.roles import give


def forwards(apps: Any, schema_editor: Any) -> None:
    """Give the groups the permissions. On a new installation they have them already."""
    for group in ("Support", "Warehouse", "Operations", "Auditor"):
        give(group, ["inventory.view_category"])
    give("Operations", [f"inventory.{act}_category" for act in ("add", "change", "delete")])


class Migration(migrations.Migration):
    dependencies = [
        ("console", "0031_permission_to_read_events"),
        ("inventory", "0015_categories"),
    ]

    operations = [migrations.RunPython(forwards, migrations.RunPython.noop)]
