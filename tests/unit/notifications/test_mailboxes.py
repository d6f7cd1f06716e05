"""Simulated mailboxes report what became of mail by webhooks, and nothing more goes to a closed one."""

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client

from notifications import mailboxes, services
from notifications.models import Kind, Notification, Recipient
from shop.ids import uuid7
from shop.messaging.models import OutboxEntry
from shop.simulation import webhooks
from shop.webhooks.endpoints import Notice
from shop.webhooks.models import ProviderNotice
from tests.support.inprocess import deliver_all
from tests.support.simulators import reach_shop_at_once, send_at_once
from tests.support.waiting import eventually
from tests.unit.notifications.support import states

pytestmark = pytest.mark.django_db(transaction=True)


#: What the mailboxes say of a mail that nobody has sent.
NOTICE = Notice("m-1.delivered", "delivered", "m-1 of an order")
PATH = "/providers/mailboxes/webhook"


@pytest.fixture
def configured(settings, monkeypatch):
    settings.SHOP_WEBHOOKS = {"mailboxes": "notifications.mailboxes.endpoint"}
    reach_shop_at_once(monkeypatch)


def order_of(email):
    User.objects.create_user(email.partition("@")[0], email)
    order_id = uuid7()
    services.remember_recipients(
        recipients=[Recipient(order_id=order_id, number="ORD-1", name="Alice Liddell", email=email)]
    )
    return order_id


def send(order_id, kind=Kind.SHIPPED):
    OutboxEntry.objects.all().delete()
    services.send_messages(kind=kind, contexts={order_id: {}})


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
    assert (Notification.objects.get().report, ProviderNotice.objects.get().worked_at) == ("", None)
    deliver_all()
    message = Notification.objects.get()
    assert (message.report, message.report_detail) == (report, detail)
    assert ProviderNotice.objects.get().worked_at


@pytest.mark.usefixtures("configured")
def test_nothing_more_is_sent_to_a_mailbox_that_was_closed(mail):
    order_id = order_of("returned@example.com")
    send(order_id)
    deliver_all()
    send(order_id, Kind.DELIVERED)
    assert (states(), len(mail.mails)) == (["sent", "withheld"], 1)


def test_mailboxes_that_are_not_configured_report_nothing(monkeypatch):
    reach_shop_at_once(monkeypatch)
    send(order_of("alice@example.com"))
    assert not ProviderNotice.objects.exists()


def test_a_report_comes_over_http_from_a_thread_of_its_own(live_server, settings, monkeypatch):
    settings.SHOP_WEBHOOKS = {"mailboxes": "notifications.mailboxes.endpoint"}
    settings.SHOP_URL = live_server.url
    monkeypatch.setattr(mailboxes, "DELAY", 0.0)
    send(order_of("returned@example.com"))
    eventually(ProviderNotice.objects.exists)
    deliver_all()
    assert Notification.objects.get().report == "bounced"


def test_a_report_is_sent_again_while_the_shop_does_not_answer(live_server, settings, monkeypatch):
    settings.SHOP_WEBHOOKS, asked = {}, webhooks.post

    def comes_back(*request):
        status = asked(*request)
        settings.SHOP_WEBHOOKS = {"mailboxes": "notifications.mailboxes.endpoint"}
        return status

    settings.SHOP_URL = live_server.url
    monkeypatch.setattr(webhooks, "PAUSES", (0.0, 0.0))
    monkeypatch.setattr(webhooks, "post", comes_back)
    webhooks.send("mailboxes", {NOTICE: {}})
    eventually(ProviderNotice.objects.exists)


@pytest.mark.usefixtures("configured")
def test_a_report_that_comes_twice_is_stored_once():
    for _ in range(2):
        send_at_once("mailboxes", {NOTICE: {}})
    assert ProviderNotice.objects.count() == 1


@pytest.mark.usefixtures("configured")
@pytest.mark.parametrize("forge", ["signature", "provider", "body", "age", "nothing"])
def test_only_the_mailboxes_themselves_report(forge):
    body, at = webhooks.body_of(NOTICE, {}), datetime.now(UTC)
    sender = "simulator" if forge == "provider" else "mailboxes"
    headers = webhooks.signed(
        sender, NOTICE.event_id, body, at=at - timedelta(minutes=6 if forge == "age" else 0)
    )
    if forge == "signature":
        headers["webhook-signature"] = "v1,é"
    if forge == "body":
        body = body.replace("delivered", "bounced")
    given = {} if forge == "nothing" else headers
    answer = Client().post(PATH, body, content_type="application/json", headers=given)
    assert (answer.status_code, ProviderNotice.objects.exists()) == (400, False)
