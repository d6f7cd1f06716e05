"""Messages about payments that are to be made by other means."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('notifications', '0009_messages_about_payments'),
    ]

    operations = [
        migrations.AlterField(
            model_name='notification',
            name='kind',
            field=models.CharField(choices=[('order_received', 'Order Received'), ('payment_received', 'Payment Received'), ('payment_action_required', 'Payment Action Required'), ('payment_declined', 'Payment Declined'), ('payment_failed', 'Payment Failed'), ('awaiting_stock', 'Awaiting Stock'), ('refunded', 'Refunded'), ('shipped', 'Shipped'), ('shipped_again', 'Shipped Again'), ('delivered', 'Delivered'), ('cancellation_rejected', 'Cancellation Rejected'), ('cancelled', 'Cancelled'), ('return_requested', 'Return Requested'), ('return_approved', 'Return Approved'), ('return_rejected', 'Return Rejected'), ('return_received', 'Return Received'), ('return_cancelled', 'Return Cancelled'), ('return_expired', 'Return Expired')], max_length=30),
        ),
    ]
