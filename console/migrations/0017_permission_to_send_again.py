"""Permission to send orders again, for the groups of staff that settle them."""

from typing import Any

from django.db import migrations

from console.roles import give


def forwards(apps: Any, schema_editor: Any) -> None:
    """Give the groups the permission. On a new installation they have it already."""
    give("Support", ["orders.resend_order"])


class Migration(migrations.Migration):
    dependencies = [
        ("console", "0016_permission_to_refund"),
        ("orders", "0015_resending"),
    ]

    operations = [migrations.RunPython(forwards, migrations.RunPython.noop)]
