"""Payments can await the confirmation of their customers. No row is rewritten."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('payments', '0015_fill_captured_amounts'),
    ]

    operations = [
        migrations.AddField(
            model_name='payment',
            name='confirm_url',
            field=models.TextField(blank=True, db_default='', default=''),
        ),
        migrations.AlterField(
            model_name='payment',
            name='state',
            field=models.CharField(choices=[('processing', 'Processing'), ('requires_action', 'Requires Action'), ('requires_capture', 'Requires Capture'), ('succeeded', 'Succeeded'), ('requires_payment_method', 'Declined'), ('canceled', 'Canceled')], default='processing', max_length=30),
        ),
        migrations.AlterField(
            model_name='simulatedcharge',
            name='status',
            field=models.CharField(choices=[('processing', 'Processing'), ('requires_action', 'Requires Action'), ('requires_capture', 'Requires Capture'), ('succeeded', 'Succeeded'), ('requires_payment_method', 'Declined'), ('canceled', 'Canceled')], default='processing', max_length=30),
        ),
    ]
