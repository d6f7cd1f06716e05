"""Notes and tags of staff on orders."""

import django.db.models.deletion
import django.utils.timezone
import shop.ids
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('orders', '0021_retry_payment'),
    ]

    operations = [
        migrations.AlterModelOptions(
            name='order',
            options={'ordering': ['-pk'], 'permissions': [('view_timeline', 'Can read the events of an order in full'), ('cancel_order', 'Can cancel orders'), ('pay_order', 'Can have orders paid by other means'), ('resume_order', 'Can let held up orders go on waiting'), ('settle_order', 'Can end held up orders, with a reason'), ('refund_order', 'Can give money of orders back'), ('resend_order', 'Can send orders again whose parcel did not arrive'), ('annotate_order', 'Can write notes on orders, and tag them')]},
        ),
        migrations.CreateModel(
            name='OrderNote',
            fields=[
                ('id', models.UUIDField(default=shop.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('text', models.CharField(help_text='For colleagues. Erased with the customer.', max_length=2000)),
                ('by', models.CharField(max_length=150)),
                ('at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('order', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='notes', to='orders.order')),
            ],
            options={
                'verbose_name': 'note',
                'ordering': ['pk'],
                'indexes': [models.Index(fields=['order', 'id'], name='ordernote_by_order')],
            },
        ),
        migrations.CreateModel(
            name='OrderTag',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=30)),
                ('order', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='tags', to='orders.order')),
            ],
            options={
                'verbose_name': 'tag',
                'ordering': ['name'],
                'indexes': [models.Index(fields=['name', 'order'], name='ordertag_by_name')],
                'constraints': [models.UniqueConstraint(fields=('order', 'name'), name='ordertag_once')],
            },
        ),
    ]
