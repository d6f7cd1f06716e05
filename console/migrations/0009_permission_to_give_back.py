"""Permission to record refunds as given back otherwise, for the group that keeps the money."""

from typing import Any

from django.db import migrations

from console.roles import give


def forwards(apps: Any, schema_editor: Any) -> None:
    """Give the group its permission. On a new installation it has it already."""
    give("Finance", ["payments.give_back_otherwise"])


class Migration(migrations.Migration):
    dependencies = [("console", "0008_permission_to_settle"), ("payments", "0008_refunds_learnt")]

    operations = [migrations.RunPython(forwards, migrations.RunPython.noop)]
