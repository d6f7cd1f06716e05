"""Permission to retry captures that failed, for the group that keeps the money."""

from typing import Any

from django.db import migrations

from console.roles import give


def forwards(apps: Any, schema_editor: Any) -> None:
    """Give the group its permission. On a new installation it has it already."""
    give("Finance", ["payments.retry_capture"])


class Migration(migrations.Migration):
    dependencies = [
        ("console", "0019_permissions_of_returns"),
        ("payments", "0014_authorise_and_capture"),
    ]

    operations = [migrations.RunPython(forwards, migrations.RunPython.noop)]
