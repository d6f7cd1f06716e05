"""The simulated gateway may refuse refunds; nothing changes in the database."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("payments", "0003_indexes_that_queries_use")]

    operations = [
        migrations.AlterField(
            "gatewayfault",
            "kind",
            models.CharField(
                choices=[
                    ("outage", "Outage"),
                    ("timeout", "Timeout"),
                    ("slow", "Slow"),
                    ("refusal", "Refusal"),
                ],
                max_length=10,
            ),
        ),
    ]
