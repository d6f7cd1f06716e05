"""Orders know what their customers have to do to pay, and the attempts that need it. No row is rewritten."""

import django.db.models.deletion
import django.utils.timezone
import shop.ids
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('orders', '0019_validate_statuses'),
    ]

    operations = [
        migrations.AddField(
            model_name='order',
            name='payment_attempt',
            field=models.PositiveSmallIntegerField(db_default=1, default=1, help_text='Number of the latest attempt to pay.'),
        ),
        migrations.AddField(
            model_name='order',
            name='payment_needs',
            field=models.CharField(blank=True, choices=[('', 'Nothing'), ('requires_action', 'Confirm the payment'), ('requires_payment_method', 'Pay by other means')], db_default='', default='', help_text='What the customer has, or had, to do to pay.', max_length=30),
        ),
        migrations.CreateModel(
            name='PaymentAttempt',
            fields=[
                ('id', models.UUIDField(default=shop.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('number', models.PositiveSmallIntegerField()),
                ('state', models.CharField(choices=[('processing', 'Under way'), ('requires_action', 'To be confirmed by the customer'), ('requires_payment_method', 'Declined'), ('succeeded', 'Paid'), ('canceled', 'Cancelled')], default='processing', max_length=30)),
                ('code', models.CharField(blank=True, max_length=100)),
                ('message', models.TextField(blank=True)),
                ('confirm_url', models.TextField(blank=True)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('changed_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('order', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='payment_attempts', to='orders.order')),
            ],
            options={
                'verbose_name': 'attempt to pay',
                'verbose_name_plural': 'attempts to pay',
                'ordering': ['number'],
                'constraints': [models.UniqueConstraint(fields=('order', 'number'), name='paymentattempt_once_per_number')],
            },
        ),
    ]
