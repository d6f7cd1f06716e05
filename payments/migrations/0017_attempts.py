"""Payments that customers may try again, and their former attempts. No row is rewritten."""

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('payments', '0016_confirmation'),
    ]

    operations = [
        migrations.AddField(
            model_name='payment',
            name='may_retry',
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.CreateModel(
            name='Attempt',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveSmallIntegerField()),
                ('idempotency_key', models.CharField(max_length=100)),
                ('state', models.CharField(choices=[('requires_action', 'Requires Action'), ('succeeded', 'Succeeded'), ('requires_payment_method', 'Declined'), ('canceled', 'Canceled')], max_length=30)),
                ('method', models.CharField(blank=True, max_length=255)),
                ('reference', models.CharField(blank=True, max_length=100)),
                ('failure_code', models.CharField(blank=True, max_length=100)),
                ('failure_message', models.TextField(blank=True)),
                ('replaced_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('payment', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='attempts', to='payments.payment')),
            ],
            options={
                'ordering': ['number'],
                'constraints': [models.UniqueConstraint(fields=('payment', 'number'), name='attempt_once_per_number')],
            },
        ),
    ]
