"""Position of the log up to which events are taken up, from its beginning."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("integrations", "0003_oldest_delivery")]

    operations = [
        migrations.CreateModel(
            name="TakenUp",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("position", models.BigIntegerField()),
            ],
        ),
        migrations.RunSQL(
            "INSERT INTO integrations_takenup (id, position) VALUES (1, 0)", migrations.RunSQL.noop
        ),
    ]
