"""Drop the index for searches by how the name of a projection begins."""

from django.db import migrations

DROP = "DROP INDEX analytics_projection_name_075e3a7c_like"
UNDROP = (
    "CREATE INDEX analytics_projection_name_075e3a7c_like ON analytics_projection (name varchar_pattern_ops)"
)


class Migration(migrations.Migration):
    dependencies = [("analytics", "0006_projections")]

    operations = [migrations.RunSQL(DROP, UNDROP)]
