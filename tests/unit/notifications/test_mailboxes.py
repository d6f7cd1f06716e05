"""Simulated mailboxes report what became of mail: a moment later, and to an address that closed no more."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from notifications import services
from notifications.models import Kind, Notification, Recipient
from shop.ids import uuid7
from shop.messaging.models import OutboxEntry, ScheduledMessage
from shop.webhooks.models import ProviderNotice
from tests.support.inprocess import fire_reminders
from tests.unit.notifications.support import states

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def configured(settings):
    settings.SHOP_WEBHOOKS = {"mailboxes": "notifications.mailboxes.endpoint"}


def order_of(email):
    User.objects.create_user(email.partition("@")[0], email)
    order_id = uuid7()
    services.remember_recipients(
        recipients=[Recipient(order_id=order_id, number="ORD-1", name="Alice Liddell", email=email)]
    )
    return order_id


def send(order_id, kind=Kind.SHIPPED):
    services.send_messages(kind=kind, contexts={order_id: {}})
    OutboxEntry.objects.all().delete()


@pytest.mark.parametrize(
    ("email", "report", "detail"),
    [
        ("alice@example.com", "delivered", ""),
        ("returned@example.com", "bounced", "550 5.1.1 The mailbox was closed"),
        ("complains@example.com", "complained", "marked as spam"),
    ],
)
@pytest.mark.usefixtures("configured")
def test_what_became_of_a_mail_is_on_its_message(email, report, detail):
    send(order_of(email))
    assert Notification.objects.get().report == ""
    fire_reminders()
    message = Notification.objects.get()
    assert (message.report, message.report_detail) == (report, detail)
    assert ProviderNotice.objects.get().worked_at


@pytest.mark.usefixtures("configured")
def test_nothing_more_is_sent_to_a_mailbox_that_was_closed(mail):
    order_id = order_of("returned@example.com")
    send(order_id)
    fire_reminders()
    send(order_id, Kind.DELIVERED)
    assert (states(), len(mail.mails)) == (["sent", "withheld"], 1)


def test_mailboxes_that_are_not_configured_report_nothing():
    send(order_of("alice@example.com"))
    assert not ProviderNotice.objects.exists()
    assert not ScheduledMessage.objects.exists()


@pytest.mark.usefixtures("configured")
def test_nobody_reports_for_the_mailboxes_over_http():
    assert (
        Client().post("/providers/mailboxes/webhook", b"{}", content_type="application/json").status_code
        != 200
    )
