"""Indexes of messages: those that queries use, and no others, as each slows down inserts."""

import pytest
from django.db import connection


@pytest.mark.django_db
def test_messages_have_the_indexes_that_are_used_and_no_others():
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexname FROM pg_indexes WHERE tablename = 'notifications_notification'")
        names = {name for (name,) in cursor.fetchall()}
    assert names == {
        "notifications_notification_pkey",
        "one_notification_per_order_kind_topic",
        "notification_by_number",
        "notification_by_email",
        # Partial: queued and refused messages, messages of a rare kind, and messages that came back.
        "notification_not_sent",
        "notification_by_unusual_kind",
        "notification_by_trouble",
    }
