"""Messages about payments to be confirmed or made by other means, and about goods to come; they are rare."""

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models

_KINDS = [
    "order_received",
    "payment_received",
    "payment_action_required",
    "payment_declined",
    "payment_failed",
    "awaiting_stock",
    "refunded",
    "shipped",
    "shipped_again",
    "delivered",
    "cancellation_rejected",
    "cancelled",
    "return_requested",
    "return_approved",
    "return_rejected",
    "return_received",
    "return_cancelled",
    "return_expired",
]
_FREQUENT = {"order_received", "payment_received", "shipped", "delivered"}


class Migration(migrations.Migration):
    atomic = False  # the index is made without keeping others from writing
    dependencies = [("notifications", "0008_messages_about_returns")]

    operations = [
        migrations.AlterField(
            model_name="notification",
            name="kind",
            field=models.CharField(
                choices=[
                    (kind, kind.replace("_", " ").title()) for kind in _KINDS if kind != "payment_declined"
                ],
                max_length=30,
            ),
        ),
        AddIndexConcurrently(
            model_name="notification",
            index=models.Index(
                fields=["kind", "-id"],
                condition=models.Q(kind__in=[kind for kind in _KINDS if kind not in _FREQUENT]),
                name="notification_by_unusual_kind",
            ),
        ),
        RemoveIndexConcurrently(model_name="notification", name="notification_by_rarer_kind"),
    ]
