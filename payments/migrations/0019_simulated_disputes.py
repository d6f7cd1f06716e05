"""Charges at the simulated gateway can be disputed. No row is rewritten."""

import shop.amounts
from decimal import Decimal
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('payments', '0018_index_of_declined_payments'),
    ]

    operations = [
        migrations.AddField(
            model_name='simulatedcharge',
            name='dispute_status',
            field=models.CharField(blank=True, db_default='', default='', max_length=15),
        ),
        migrations.AddField(
            model_name='simulatedcharge',
            name='disputed',
            field=shop.amounts.AmountField(db_default=Decimal('0'), default=Decimal('0')),
        ),
    ]
