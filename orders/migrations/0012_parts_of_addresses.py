"""Addresses have a second line, a region and a phone number; empty ones take no rewriting of the table."""


from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('orders', '0011_parcels_that_never_arrive'),
    ]

    operations = [
        migrations.AddField(
            model_name='order',
            name='ship_phone',
            field=models.CharField(blank=True, db_default='', default='', max_length=40),
        ),
        migrations.AddField(
            model_name='order',
            name='ship_region',
            field=models.CharField(blank=True, db_default='', default='', max_length=100),
        ),
        migrations.AddField(
            model_name='order',
            name='ship_second_line',
            field=models.CharField(blank=True, db_default='', default='', max_length=200),
        ),
        migrations.AlterField(
            model_name='order',
            name='ship_city',
            field=models.CharField(blank=True, max_length=100),
        ),
        migrations.AlterField(
            model_name='order',
            name='ship_postal_code',
            field=models.CharField(blank=True, max_length=20),
        ),
    ]
