from django.db import migrations, models


class Migration(migrations.Migration):
    """Names of the model alone: column and values stay as they are."""

    dependencies = [("messaging", "0008_hold_aggregate")]

    operations = [
        migrations.AlterField(
            model_name="scheduledmessage",
            name="parkings",
            field=models.SmallIntegerField(db_column="parkings", default=0),
        ),
        migrations.RenameField(model_name="scheduledmessage", old_name="parkings", new_name="deferrals"),
        migrations.AlterField(
            model_name="scheduledmessage",
            name="kind",
            field=models.CharField(
                choices=[
                    ("reminder", "Reminder"),
                    ("retry", "Retry"),
                    ("parked", "Deferred"),
                    ("held", "Held"),
                ],
                max_length=10,
            ),
        ),
    ]
