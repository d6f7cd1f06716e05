"""Retention of messages to customers, and of their recipients."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from notifications import services
from notifications.models import Notification, Recipient, Resend
from shop.ids import uuid7, uuid7_at

pytestmark = pytest.mark.django_db


def ago(days: float) -> datetime:
    return datetime.now(UTC) - timedelta(days=days)


def a_message(order_id: UUID, kind: str, *, days_ago: float, state: str = "sent") -> Notification:
    Recipient.objects.get_or_create(order_id=order_id, name="Alice Liddell", email="alice@example.com")
    return Notification.objects.create(
        id=UUID(int=uuid7_at(ago(days_ago)).int + Notification.objects.count()),
        order_id=order_id,
        kind=kind,
        state=state,
        message_id=f"<{kind}.{order_id}@example.com>",
        sent_at=ago(days_ago) if state == "sent" else None,
    )


def test_old_messages_are_forgotten_and_with_the_last_one_the_recipient():
    alice, bob = uuid7(), uuid7()
    a_message(alice, "order_received", days_ago=402)
    a_message(alice, "delivered", days_ago=401, state="failed")
    a_message(bob, "order_received", days_ago=402)
    young = a_message(bob, "delivered", days_ago=399)

    assert services.forget_messages() == (3, True)
    assert Notification.objects.get() == young
    assert Recipient.objects.get().order_id == bob


def test_a_message_that_waits_to_be_sent_is_not_forgotten():
    for kind, state in [("shipped", "queued"), ("delivered", "sending")]:
        a_message(uuid7(), kind, days_ago=500, state=state)
    assert services.forget_messages() == (0, True)


def test_a_message_that_was_sent_or_sent_again_lately_is_not_forgotten():
    late, again, long_ago = (a_message(uuid7(), "shipped", days_ago=500) for _ in range(3))
    Notification.objects.filter(pk=late.pk).update(sent_at=ago(1))
    for message in (again, long_ago):
        Resend.objects.create(notification=message, sequence=1, by="olga")
    Resend.objects.filter(notification=long_ago).update(requested_at=ago(450))

    assert services.forget_messages() == (1, True)
    assert set(Notification.objects.all()) == {late, again}
    assert Resend.objects.get().notification == again
