"""Permissions to see the notices of providers, for the groups of staff that see the machinery."""

from typing import Any

from django.db import migrations

from console.roles import give


def forwards(apps: Any, schema_editor: Any) -> None:
    """Give the groups the permissions. On a new installation they have them already."""
    for name in ("Operations", "Auditor"):
        give(name, ["webhooks.view_providernotice", "webhooks.view_askeduntil"])


class Migration(migrations.Migration):
    dependencies = [("console", "0012_permission_of_projections"), ("webhooks", "0001_initial")]

    operations = [migrations.RunPython(forwards, migrations.RunPython.noop)]
