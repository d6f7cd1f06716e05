"""Indexes of Django's account table: by e-mail address, and of staff."""

from django.db import migrations


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("console", "0001_doctor"), ("auth", "0012_alter_user_first_name_max_length")]

    operations = [
        migrations.RunSQL(
            "CREATE INDEX CONCURRENTLY IF NOT EXISTS user_by_email ON auth_user (upper(email::text))",
            "DROP INDEX CONCURRENTLY IF EXISTS user_by_email",
        ),
        migrations.RunSQL(
            "CREATE INDEX CONCURRENTLY IF NOT EXISTS user_is_staff ON auth_user (id) WHERE is_staff",
            "DROP INDEX CONCURRENTLY IF EXISTS user_is_staff",
        ),
    ]
