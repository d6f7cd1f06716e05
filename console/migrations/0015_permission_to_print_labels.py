"""Permission to print labels of parcels, for the groups of staff that send them."""

from typing import Any

from django.db import migrations

from console.roles import give


def forwards(apps: Any, schema_editor: Any) -> None:
    """Give the groups the permission. On a new installation they have it already."""
    give("Warehouse", ["shipping.print_label"])


class Migration(migrations.Migration):
    dependencies = [
        ("console", "0014_permission_of_disputes"),
        ("shipping", "0008_labels_and_notices"),
    ]

    operations = [migrations.RunPython(forwards, migrations.RunPython.noop)]
