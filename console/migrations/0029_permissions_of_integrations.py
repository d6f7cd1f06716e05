"""Permissions to see webhooks, and a group that connects other programs."""

from typing import Any

from django.db import migrations

from console.roles import ROLES, give, make_groups


def forwards(apps: Any, schema_editor: Any) -> None:
    """Make the group, and give others the permissions. On a new installation they have them already."""
    make_groups({"Integrator": ROLES["Integrator"]})
    for name in ("Operations", "Auditor"):
        give(name, [f"integrations.view_{what}" for what in ("attempt", "delivery", "endpoint")])


class Migration(migrations.Migration):
    dependencies = [("console", "0028_permission_to_annotate"), ("integrations", "0001_initial")]

    operations = [migrations.RunPython(forwards, migrations.RunPython.noop)]
