"""Orders whose money could not be taken need attention."""
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('orders', '0016_returns'),
    ]

    operations = [
        migrations.AddField(
            model_name='order',
            name='capture_recovered',
            field=models.BooleanField(db_default=False, default=False, help_text='Money that could not be taken at first is taken.'),
        ),
        migrations.AlterField(
            model_name='order',
            name='attention_reason',
            field=models.CharField(blank=True, choices=[('stock_overdue', 'No answer from the stock'), ('carrier_overdue', 'No answer from the carrier'), ('cancellation_overdue', 'The cancellation does not come to an end'), ('refund_failed', 'The money could not be given back'), ('capture_failed', 'The money that was reserved could not be taken'), ('delivery_failed', 'The carrier could not deliver the parcel'), ('delivery_overdue', 'The parcel has not arrived'), ('resend_failed', 'The parcel could not be sent again'), ('books_differ', 'The books disagree'), ('disputed', "The customer's bank disputes the payment")], max_length=20),
        ),
    ]
