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
_PERMISSIONS = """
    SELECT auth_permission.id FROM auth_permission JOIN django_content_type AS model
    ON model.id = content_type_id WHERE model.app_label = 'authtoken'
"""
_FORGET_RIGHTS = (
    f"DELETE FROM auth_group_permissions WHERE permission_id IN ({_PERMISSIONS})",  # noqa: S608 - a constant
    f"DELETE FROM auth_user_user_permissions WHERE permission_id IN ({_PERMISSIONS})",  # noqa: S608
    f"DELETE FROM auth_permission WHERE id IN ({_PERMISSIONS})",  # noqa: S608
    "DELETE FROM django_migrations WHERE app = 'authtoken'",
)


def carry_tokens_over(apps: Any, schema_editor: Any) -> None:
    """Hash the tokens of an earlier release, and forget that it had them."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('authtoken_token') IS NOT NULL")
        if not cursor.fetchone()[0]:
            return
        cursor.execute(_CARRY_OVER, [settings.SHOP_API_KEY_LIFETIME])
        cursor.execute("DROP TABLE authtoken_token")
        for statement in _FORGET_RIGHTS:
            cursor.execute(statement)


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0001_api_keys"),
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [migrations.RunPython(carry_tokens_over, migrations.RunPython.noop)]
