"""Permission to see the alerts, for the groups of staff that need it."""

from typing import Any

from django.db import migrations

from console.roles import give


def forwards(apps: Any, schema_editor: Any) -> None:
    """Give the groups the permission. On a new installation they have it already."""
    for name in ("Operations", "Auditor"):
        give(name, ["console.view_alert"])


class Migration(migrations.Migration):
    dependencies = [("console", "0022_alerts")]

    operations = [migrations.RunPython(forwards, migrations.RunPython.noop)]
