"""Drop unused indexes of messages, and create the one by order number concurrently.

Workers of the previous version look messages up by Message-ID. Each of their chunks scans the whole table
until they are replaced.
"""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("notifications", "0002_indexes_of_lists")]

    operations = [
        AddIndexConcurrently("notification", models.Index(fields=["number"], name="notification_by_number")),
        # Each of these drops two indexes, the one for LIKE as well.
        migrations.AlterField("notification", "number", models.CharField("order number", max_length=30)),
        migrations.AlterField("notification", "message_id", models.CharField("Message-ID", max_length=200)),
    ]
