"""Permission to let mail pass to addresses that it came back from, for the group that answers customers."""

from typing import Any

from django.db import migrations

from console.roles import give


def forwards(apps: Any, schema_editor: Any) -> None:
    """Give the group the permission. On a new installation it has it already."""
    give("Support", ["accounts.view_unconfirmedaddress", "accounts.let_mail_pass"])


class Migration(migrations.Migration):
    dependencies = [
        ("console", "0017_permission_to_send_again"),
        ("accounts", "0006_addresses_that_mail_came_back_from"),
    ]

    operations = [migrations.RunPython(forwards, migrations.RunPython.noop)]
