"""Permissions of privacy, for the groups of staff that need them."""

from typing import Any

from django.db import migrations

from console.roles import give


def forwards(apps: Any, schema_editor: Any) -> None:
    """Give the groups their permissions. On a new installation they have them already."""
    give("Support", ["privacy.view_personal_data"])
    give("Operations", ["privacy.view_datasubject", "privacy.forget_customer"])
    give("Auditor", ["privacy.view_datasubject", "privacy.view_personal_data"])


class Migration(migrations.Migration):
    dependencies = [("console", "0004_groups"), ("privacy", "0001_initial")]

    operations = [migrations.RunPython(forwards, migrations.RunPython.noop)]
