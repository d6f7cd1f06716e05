"""Time at which the money of an order was taken."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('analytics', '0010_second_versions'),
    ]

    operations = [
        migrations.AddField(
            model_name='orderfact',
            name='captured_at',
            field=models.DateTimeField(null=True),
        ),
    ]
