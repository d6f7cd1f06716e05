"""Permission to read the feed of all events, for the group that connects other programs."""

from typing import Any

from django.db import migrations

from console.roles import give


def forwards(apps: Any, schema_editor: Any) -> None:
    """Give the group the permission. On a new installation it has it already."""
    give("Integrator", ["integrations.read_events"])


class Migration(migrations.Migration):
    dependencies = [
        ("console", "0030_permission_of_bulk_actions"),
        ("integrations", "0002_permission_to_read_events"),
    ]

    operations = [migrations.RunPython(forwards, migrations.RunPython.noop)]
