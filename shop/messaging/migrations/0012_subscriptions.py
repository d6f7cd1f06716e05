"""Subscriptions. Consumers that worked before this table existed keep their beginning: that of the log."""

from datetime import UTC, datetime
from typing import Any

import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

from shop.ids import uuid7_at
from shop.messaging.consuming.subscriptions import logged_consumers

#: Consumers that have left a trace.
_TRACED = """
    SELECT DISTINCT consumer FROM messaging_inboxentry
    UNION SELECT consumer FROM messaging_deadletter
    UNION SELECT consumer FROM messaging_scheduledmessage
"""
_RECENT = "SELECT DISTINCT type FROM messaging_eventrecord WHERE id > %s"
_SUBSCRIBE = "INSERT INTO messaging_subscription (consumer, position) SELECT unnest(%s::text[]), 0"


def subscribe_known(apps: Any, schema_editor: Any) -> None:
    """Subscribe the consumers that have worked, and those for whom there was nothing to do lately.

    One without a trace, while the log has recent events for it, is new in this very release: it begins when
    its worker starts, without a month of events.
    """
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(_TRACED)
        traced = {name for (name,) in cursor.fetchall()}
        cursor.execute(_RECENT, [uuid7_at(datetime.now(UTC) - settings.SHOP_INBOX_RETENTION)])
        recent = {type_ for (type_,) in cursor.fetchall()}
        consumers = logged_consumers()
        known = [one.name for one in consumers if one.name in traced or recent.isdisjoint(one.logged_as)]
        cursor.execute(_SUBSCRIBE, [known])


class Migration(migrations.Migration):
    dependencies = [("messaging", "0011_forged_messages")]

    operations = [
        migrations.CreateModel(
            name="Subscription",
            fields=[
                ("consumer", models.CharField(max_length=150, primary_key=True, serialize=False)),
                ("position", models.BigIntegerField(verbose_name="since position")),
                ("backfilled_to", models.BigIntegerField(db_default=0)),
                ("backfill_until", models.BigIntegerField(db_default=0)),
                ("began_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
        ),
        migrations.RunPython(subscribe_known, migrations.RunPython.noop),
    ]
