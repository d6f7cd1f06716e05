"""Everlasting tokens in clear become API keys: hashed, and with an end. The table with their values is dropped."""

from typing import Any

from django.conf import settings
from django.db import migrations

_CARRY_OVER = """
    INSERT INTO accounts_apikey
        (user_id, name, prefix, digest, password_digest, scopes, created_at, expires_at)
    SELECT users.id, 'Token of an earlier release', left(token.key, 13),
        encode(sha256(convert_to(token.key, 'UTF8')), 'hex'),
        encode(sha256(convert_to(users.password, 'UTF8')), 'hex'),
        '{}', token.created, now() + %s
    FROM authtoken_token AS token JOIN auth_user AS users ON users.id = token.user_id
    WHERE users.is_active
"""


def carry_tokens_over(apps: Any, schema_editor: Any) -> None:
    """Hash the tokens of an earlier release, and forget that it had them."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('authtoken_token') IS NOT NULL")
        if not cursor.fetchone()[0]:
            return
        cursor.execute(_CARRY_OVER, [settings.SHOP_API_KEY_LIFETIME])
        cursor.execute("DROP TABLE authtoken_token")
        cursor.execute("DELETE FROM django_migrations WHERE app = 'authtoken'")
    apps.get_model("contenttypes", "ContentType").objects.filter(app_label="authtoken").delete()


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0001_api_keys"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [migrations.RunPython(carry_tokens_over, migrations.RunPython.noop)]
