"""Columns of messages: each is set once or changeable, and a changeable one is stored."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from notifications import repository
from notifications.models import Kind, Notification
from shop.ids import uuid7
from tests.unit.notifications.support import known_recipients

pytestmark = pytest.mark.django_db

CHANGED_DELIVERY: dict[str, Any] = {
    "state": "sent",
    "attempts": 2,
    "last_error": "452 4.2.2 The mailbox is full",
    "sent_at": datetime(2026, 3, 4, 12, tzinfo=UTC),
}
#: A resend empties what was reported of the copy before.
CHANGED_BY_RESEND: dict[str, Any] = {
    "email": "rabbit@example.com",
    "attempts": 3,
    "report": "",
    "reported_at": None,
    "report_detail": "",
}


@pytest.fixture
def message() -> Notification:
    """Return a message that is stored and not sent."""
    (order_id,) = known_recipients(1)
    messages = repository.load_unsent(Kind.SHIPPED, {order_id: {"carrier": "UPS"}})
    repository.store(messages)
    return messages[0]


def values(message: Notification, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: getattr(message, name) for name in names}


def test_every_column_is_set_once_or_changeable():
    columns = {field.name for field in Notification._meta.concrete_fields}
    once, changeable = set(Notification.SET_ONCE), set(Notification.CHANGEABLE)
    assert once | changeable == columns, "name the new column in SET_ONCE or CHANGEABLE"
    assert not once & changeable


def test_every_changeable_column_is_stored_by_attempts_or_resends():
    assert set(CHANGED_DELIVERY) == set(Notification.DELIVERY), "name the new column in CHANGED_DELIVERY"
    assert {*CHANGED_DELIVERY, *CHANGED_BY_RESEND} == set(Notification.CHANGEABLE)


def test_a_new_message_is_stored_with_all_columns(message):
    names = Notification.SET_ONCE + Notification.CHANGEABLE
    assert values(Notification.objects.get(), names) == values(message, names)


def test_every_column_of_the_delivery_is_stored(message):
    for name, value in CHANGED_DELIVERY.items():
        setattr(message, name, value)
    repository.store([message])
    assert values(Notification.objects.get(), Notification.DELIVERY) == CHANGED_DELIVERY


@pytest.mark.usefixtures("message")
def test_every_column_of_a_resend_is_stored():
    known = Notification.objects.get()
    for name, value in CHANGED_BY_RESEND.items():
        setattr(known, name, value)
    repository.store_resend(known)
    assert values(Notification.objects.get(), tuple(CHANGED_BY_RESEND)) == CHANGED_BY_RESEND


def test_what_is_set_once_is_never_stored_again(message):
    before = values(message, Notification.SET_ONCE)
    message.id, message.number, message.name, message.subject = uuid7(), "ORD-1", "Eve", "Hello"
    message.context, message.message_id = {"carrier": "DHL"}, "<1@example.com>"
    message.created_at += timedelta(days=1)
    repository.store([message])
    known = Notification.objects.get()
    assert values(known, Notification.SET_ONCE) == before
    known.name, known.subject = "Eve", "Hello"
    repository.store_resend(known)
    assert values(Notification.objects.get(), Notification.SET_ONCE) == before
