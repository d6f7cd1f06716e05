"""Add why an address has to be confirmed again, also for one that no account has."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0005_recovery_codes'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="unconfirmedaddress",
            options={
                "permissions": [("let_mail_pass", "Can let mail pass to an address that it came back from")],
                "verbose_name_plural": "unconfirmed addresses",
            },
        ),
        migrations.AddField(
            model_name='unconfirmedaddress',
            name='confirmed_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='unconfirmedaddress',
            name='reason',
            field=models.CharField(blank=True, choices=[('bounced', 'Bounced'), ('complained', 'Complained')], db_default='', default='', max_length=10),
        ),
        migrations.AlterField(
            model_name='unconfirmedaddress',
            name='user',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='unconfirmed_addresses', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddConstraint(
            model_name='unconfirmedaddress',
            constraint=models.UniqueConstraint(condition=models.Q(('user', None)), fields=('email',), name='unconfirmed_address_of_nobody_once'),
        ),
    ]
