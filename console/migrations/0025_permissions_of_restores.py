"""Permissions to see restores and lost orders, for the groups of staff that need them."""

from typing import Any

from django.db import migrations

from console.roles import give


def forwards(apps: Any, schema_editor: Any) -> None:
    """Give the groups the permissions. On a new installation they have them already."""
    for name in ("Operations", "Auditor"):
        give(name, ["console.view_lostorder", "messaging.view_restore"])


class Migration(migrations.Migration):
    dependencies = [("console", "0024_lost_orders"), ("messaging", "0016_restore")]

    operations = [migrations.RunPython(forwards, migrations.RunPython.noop)]
