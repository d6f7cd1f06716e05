"""Permission to see projections, for the groups of staff that see the figures."""

from typing import Any

from django.db import migrations

from console.roles import give


def forwards(apps: Any, schema_editor: Any) -> None:
    """Give the groups the permission. On a new installation they have it already."""
    for name in ("Finance", "Operations", "Auditor"):
        give(name, ["analytics.view_projection"])


class Migration(migrations.Migration):
    dependencies = [("console", "0011_permission_of_log_roots"), ("analytics", "0006_projections")]

    operations = [migrations.RunPython(forwards, migrations.RunPython.noop)]
