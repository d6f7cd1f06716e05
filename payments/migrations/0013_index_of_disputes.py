"""Drop the index for searches by how the reference of a dispute begins."""

from django.db import migrations

DROP = "DROP INDEX payments_dispute_reference_b7626afd_like"
UNDROP = (
    "CREATE INDEX payments_dispute_reference_b7626afd_like"
    " ON payments_dispute (reference varchar_pattern_ops)"
)


class Migration(migrations.Migration):
    dependencies = [("payments", "0012_validate_open_refunds")]

    operations = [migrations.RunSQL(DROP, UNDROP)]
