"""Permission to write notes on orders, and an index by which the acts on an object are found."""

from typing import Any

from django.db import migrations

from console.roles import give


def forwards(apps: Any, schema_editor: Any) -> None:
    """Give the groups their permission. On a new installation they have it already."""
    for group in ("Support", "Finance", "Operations"):
        give(group, ["orders.annotate_order"])


class Migration(migrations.Migration):
    atomic = False
    dependencies = [
        ("admin", "0003_logentry_add_action_flag_choices"),
        ("console", "0027_permission_to_pause"),
        ("orders", "0022_notes_and_tags"),
    ]

    operations = [
        migrations.RunPython(forwards, migrations.RunPython.noop),
        migrations.RunSQL(
            "CREATE INDEX CONCURRENTLY IF NOT EXISTS journal_by_object ON django_admin_log (object_id, id DESC)",
            "DROP INDEX CONCURRENTLY IF EXISTS journal_by_object",
        ),
    ]
