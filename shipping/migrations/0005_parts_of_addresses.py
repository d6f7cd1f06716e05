"""Addresses have a second line, a region and a phone number; empty ones take no rewriting of the table."""


from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('shipping', '0004_permissions'),
    ]

    operations = [
        migrations.AddField(
            model_name='shipment',
            name='phone',
            field=models.TextField(blank=True, db_default='', default=''),
        ),
        migrations.AddField(
            model_name='shipment',
            name='region',
            field=models.TextField(blank=True, db_default='', default=''),
        ),
        migrations.AddField(
            model_name='shipment',
            name='second_line',
            field=models.TextField(blank=True, db_default='', default=''),
        ),
        migrations.AddField(
            model_name='simulatedlabel',
            name='phone',
            field=models.TextField(blank=True, db_default='', default=''),
        ),
        migrations.AddField(
            model_name='simulatedlabel',
            name='region',
            field=models.TextField(blank=True, db_default='', default=''),
        ),
        migrations.AddField(
            model_name='simulatedlabel',
            name='second_line',
            field=models.TextField(blank=True, db_default='', default=''),
        ),
    ]
