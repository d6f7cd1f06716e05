"""Messages about parts of an order: unique is the order with the kind and the topic."""

from uuid import UUID

from django.db import migrations, models

_INDEX = (
    "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS one_notification_per_order_kind_topic"
    " ON notifications_notification (order_id, kind, about)"
)
_CONSTRAINT = (
    "ALTER TABLE notifications_notification ADD CONSTRAINT one_notification_per_order_kind_topic"
    " UNIQUE USING INDEX one_notification_per_order_kind_topic"
)
_NO_CONSTRAINT = (
    "ALTER TABLE notifications_notification DROP CONSTRAINT one_notification_per_order_kind_topic"
)


class Migration(migrations.Migration):
    atomic = False  # the index is made without keeping others from writing
    dependencies = [("notifications", "0005_shipped_again")]

    operations = [
        migrations.AddField(
            model_name="notification",
            name="about",
            field=models.UUIDField(db_default=UUID(int=0), default=UUID(int=0), editable=False),
        ),
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(_INDEX, migrations.RunSQL.noop),
                migrations.RunSQL(_CONSTRAINT, _NO_CONSTRAINT),
            ],
            state_operations=[
                migrations.AddConstraint(
                    model_name="notification",
                    constraint=models.UniqueConstraint(
                        fields=("order_id", "kind", "about"), name="one_notification_per_order_kind_topic"
                    ),
                ),
            ],
        ),
        migrations.RemoveConstraint(
            model_name="notification", name="one_notification_per_order_and_kind"
        ),
    ]
