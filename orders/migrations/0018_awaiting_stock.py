"""A paid order can wait for goods to come in. Orders from before are not looked at."""

from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models
from django.db.models import Q

_STATUSES = [
    ("placed", "Placed"),
    ("paid", "Paid"),
    ("awaiting_stock", "Awaiting stock"),
    ("in_fulfilment", "In fulfilment"),
    ("shipped", "Shipped"),
    ("delivered", "Delivered"),
    ("cancelling", "Being cancelled"),
    ("cancelled", "Cancelled"),
    ("settled", "Settled"),
    ("needs_attention", "Needs attention"),
]
_REASONS = [
    ("stock_overdue", "No answer from the stock"),
    ("backorder_overdue", "The goods did not come in"),
    ("carrier_overdue", "No answer from the carrier"),
    ("cancellation_overdue", "The cancellation does not come to an end"),
    ("refund_failed", "The money could not be given back"),
    ("capture_failed", "The money that was reserved could not be taken"),
    ("delivery_failed", "The carrier could not deliver the parcel"),
    ("delivery_overdue", "The parcel has not arrived"),
    ("resend_failed", "The parcel could not be sent again"),
    ("books_differ", "The books disagree"),
    ("disputed", "The customer's bank disputes the payment"),
]


class Migration(migrations.Migration):
    dependencies = [("orders", "0017_captures_that_fail")]

    operations = [
        migrations.AlterField(
            "order", "status", models.CharField(choices=_STATUSES, default="placed", max_length=15)
        ),
        migrations.AlterField(
            "order",
            "attention_stage",
            models.CharField(blank=True, choices=_STATUSES, db_default="", default="", max_length=15),
        ),
        migrations.AlterField(
            "order", "attention_reason", models.CharField(blank=True, choices=_REASONS, max_length=20)
        ),
        migrations.RemoveConstraint("order", "order_status_is_known"),
        AddConstraintNotValid(
            "order",
            models.CheckConstraint(
                condition=Q(status__in=[status for status, _ in _STATUSES]), name="order_status_is_known"
            ),
        ),
    ]
