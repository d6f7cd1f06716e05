"""Permission to see the roots of the log, for the groups of staff that need it."""

from typing import Any

from django.db import migrations

from console.roles import give


def forwards(apps: Any, schema_editor: Any) -> None:
    """Give the groups the permission. On a new installation they have it already."""
    for name in ("Operations", "Auditor"):
        give(name, ["messaging.view_logroot"])


class Migration(migrations.Migration):
    dependencies = [("console", "0010_permissions_of_subscriptions"), ("messaging", "0013_hash_chain")]

    operations = [migrations.RunPython(forwards, migrations.RunPython.noop)]
