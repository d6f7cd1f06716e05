"""Accounts are found by user name in any case, and by the beginning of a name."""

from django.db import migrations


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("console", "0006_permissions_of_accounts")]

    operations = [
        migrations.RunSQL(
            "CREATE INDEX CONCURRENTLY IF NOT EXISTS user_by_username ON auth_user (upper(username::text) text_pattern_ops)",
            "DROP INDEX CONCURRENTLY IF EXISTS user_by_username",
        ),
        migrations.RunSQL(
            "CREATE INDEX CONCURRENTLY IF NOT EXISTS user_by_first_name ON auth_user (upper(first_name::text) text_pattern_ops)",
            "DROP INDEX CONCURRENTLY IF EXISTS user_by_first_name",
        ),
        migrations.RunSQL(
            "CREATE INDEX CONCURRENTLY IF NOT EXISTS user_by_last_name ON auth_user (upper(last_name::text) text_pattern_ops)",
            "DROP INDEX CONCURRENTLY IF EXISTS user_by_last_name",
        ),
    ]
