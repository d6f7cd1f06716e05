"""Permissions about accounts, for the groups of staff that need them."""

from typing import Any

from django.db import migrations

from console.roles import give

_READING = ["accounts.view_failedlogin", "accounts.view_requestcount"]


def forwards(apps: Any, schema_editor: Any) -> None:
    """Give the groups their permissions. On a new installation they have them already."""
    give("Operations", [*_READING, "accounts.delete_failedlogin", "auth.view_user"])
    give("Auditor", _READING)


class Migration(migrations.Migration):
    dependencies = [("console", "0005_permissions_of_privacy"), ("accounts", "0003_counters")]

    operations = [migrations.RunPython(forwards, migrations.RunPython.noop)]
