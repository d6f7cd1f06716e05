"""Orders whose customers may pay by other means after a decline. No row is rewritten."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('orders', '0020_payments_that_await_customers'),
    ]

    operations = [
        migrations.AlterModelOptions(
            name='order',
            options={'ordering': ['-pk'], 'permissions': [('view_timeline', 'Can read the events of an order in full'), ('cancel_order', 'Can cancel orders'), ('pay_order', 'Can have orders paid by other means'), ('resume_order', 'Can let held up orders go on waiting'), ('settle_order', 'Can end held up orders, with a reason'), ('refund_order', 'Can give money of orders back'), ('resend_order', 'Can send orders again whose parcel did not arrive')]},
        ),
        migrations.AddField(
            model_name='order',
            name='retry_payment',
            field=models.BooleanField(db_default=False, default=False, help_text='After a decline the customer may pay by other means.'),
        ),
    ]
