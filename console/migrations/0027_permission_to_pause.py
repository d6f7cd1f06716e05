"""Permission to pause and resume consumers, for the group that keeps the shop going."""

from typing import Any

from django.db import migrations

from console.roles import give


def forwards(apps: Any, schema_editor: Any) -> None:
    """Give the group its permission. On a new installation it has it already."""
    give("Operations", ["messaging.pause_circuit"])


class Migration(migrations.Migration):
    dependencies = [
        ("console", "0026_permission_to_pay"),
        ("messaging", "0017_pauses_by_hand"),
    ]

    operations = [migrations.RunPython(forwards, migrations.RunPython.noop)]
