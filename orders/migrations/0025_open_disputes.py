"""Orders count the disputes of their payments, whose beginning may be heard of after their end."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("orders", "0024_captures_that_failed"),
    ]

    operations = [
        migrations.AddField(
            model_name="order",
            name="open_disputes",
            field=models.SmallIntegerField(
                db_default=0,
                default=0,
                help_text="Disputes of its payment, less those that are won.",
            ),
        ),
    ]
