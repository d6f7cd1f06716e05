"""Create the schema of a rebuild's tables, which the running role may not create."""

from django.db import migrations

RECREATE = "DROP SCHEMA IF EXISTS analytics_rebuild CASCADE; CREATE SCHEMA analytics_rebuild"
DROP = "DROP SCHEMA IF EXISTS analytics_rebuild CASCADE"


class Migration(migrations.Migration):
    dependencies = [("analytics", "0002_index_that_no_query_uses")]

    operations = [migrations.RunSQL(RECREATE, DROP)]
