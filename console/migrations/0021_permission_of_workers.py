"""Permission to see the workers, for the groups of staff that need it."""

from typing import Any

from django.db import migrations

from console.roles import give


def forwards(apps: Any, schema_editor: Any) -> None:
    """Give the groups the permission. On a new installation they have it already."""
    for name in ("Operations", "Auditor"):
        give(name, ["messaging.view_workernode"])


class Migration(migrations.Migration):
    dependencies = [("console", "0020_permission_to_retry_captures"), ("messaging", "0015_worker_nodes")]

    operations = [migrations.RunPython(forwards, migrations.RunPython.noop)]
