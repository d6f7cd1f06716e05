"""Orders are found by the beginning of an e-mail address in any case."""

from django.contrib.postgres.operations import RemoveIndexConcurrently
from django.db import migrations


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("orders", "0006_permissions")]

    operations = [
        migrations.RunSQL(
            "CREATE INDEX CONCURRENTLY IF NOT EXISTS order_by_email"
            " ON orders_order (upper(customer_email::text) text_pattern_ops)",
            "DROP INDEX CONCURRENTLY IF EXISTS order_by_email",
        ),
        RemoveIndexConcurrently("order", "order_by_email_prefix"),
    ]
