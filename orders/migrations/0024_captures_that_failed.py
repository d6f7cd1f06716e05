"""Orders remember that money could not be taken while they are cancelled: the parcel may have left."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("orders", "0023_bulk_actions"),
    ]

    operations = [
        migrations.AddField(
            model_name="order",
            name="capture_failed",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="Money could not be taken, and nobody has answered for it.",
            ),
        ),
    ]
