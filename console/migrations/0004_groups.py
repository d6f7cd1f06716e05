"""Groups of staff. Accounts and groups keep what they could do in the admin with former permissions."""

from typing import Any

from django.db import migrations

from console.roles import hand_over, make_groups


def forwards(apps: Any, schema_editor: Any) -> None:
    """Make the groups, and hand former permissions over."""
    hand_over()
    make_groups()


class Migration(migrations.Migration):
    dependencies = [
        ("console", "0003_permissions"),
        ("admin", "0003_logentry_add_action_flag_choices"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("django_celery_results", "0014_alter_taskresult_status"),
        ("accounts", "0002_carry_tokens_over"),
        ("rest", "0001_initial"),
        ("analytics", "0002_index_that_no_query_uses"),
        ("inventory", "0005_permissions"),
        ("messaging", "0010_permissions"),
        ("notifications", "0003_no_indexes_in_vain"),
        ("orders", "0006_permissions"),
        ("payments", "0005_permissions"),
        ("shipping", "0004_permissions"),
    ]

    operations = [migrations.RunPython(forwards, migrations.RunPython.noop)]
