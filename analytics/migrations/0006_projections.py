"""State of the projections. Read models from before were made by version 1."""

from django.db import migrations, models

STATE_OF_BEFORE = """
    INSERT INTO analytics_projection (name, version) SELECT 'orders', 1
    WHERE EXISTS (SELECT FROM analytics_orderfact)
"""


class Migration(migrations.Migration):
    dependencies = [("analytics", "0005_resumed_and_settled")]

    operations = [
        migrations.CreateModel(
            name="Projection",
            fields=[
                ("name", models.CharField(max_length=40, primary_key=True, serialize=False)),
                ("version", models.PositiveSmallIntegerField()),
                ("beside", models.PositiveSmallIntegerField(null=True, verbose_name="version beside")),
                ("checked_to", models.BigIntegerField(db_default=0)),
                ("rebuilt_at", models.DateTimeField(null=True)),
            ],
        ),
        migrations.RunSQL(STATE_OF_BEFORE, migrations.RunSQL.noop),
    ]
