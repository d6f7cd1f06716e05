"""Failures of the mail server and crashes while sending: no message is lost, and sent ones stay sent."""

from types import SimpleNamespace

import pytest

from notifications import channels, services, simulator
from notifications.errors import DeliveryPostponed
from notifications.models import Kind, Notification, State
from shop.messaging.models import DeadLetter, InboxEntry, OutboxEntry, ScheduledMessage
from tests.support.inprocess import deliver, fire_retries
from tests.unit.notifications.backends import Crash, NeverAnswers, TakesItsTimeByTheClock
from tests.unit.notifications.facts import order_created, published
from tests.unit.notifications.support import (
    BACKENDS,
    deliver_together,
    known_recipients,
    orders,
    states,
    waiting,
)

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_mail_server_that_is_down_loses_nothing(mail):
    events = orders(3)
    simulator.take_down()
    deliver_together(events)

    assert states() == ["queued", "queued", "queued"]
    assert "mail server is down" in Notification.objects.first().last_error
    assert InboxEntry.objects.count() == 0
    assert waiting(ScheduledMessage.Kind.RETRY) == 3

    simulator.bring_up()
    OutboxEntry.objects.all().delete()  # the copies for other apps
    fire_retries()
    assert sorted(mail.subjects) == [f"We have received your order ORD-{n}" for n in range(3)]
    assert Notification.objects.filter(state=State.SENT, last_error="").count() == 3
    assert not DeadLetter.objects.exists()


def test_what_went_out_before_the_connection_broke_is_not_sent_again(mail, settings):
    settings.EMAIL_BACKEND = BACKENDS + "HangsUpAfterTwo"
    events = orders(5)
    deliver_together(events)  # the batch fails after two; the rest is retried one by one

    assert states() == ["sent"] * 5
    assert len(mail.mails) == 5
    assert InboxEntry.objects.count() == 5


def test_one_bad_address_does_not_hold_up_the_others(mail):
    good, bad = orders(4), published(order_created("ORD-9", email="bounce@example.com"))
    deliver_together([*good[:2], bad, *good[2:]])

    assert states() == ["failed", "sent", "sent", "sent", "sent"]
    refused = Notification.objects.get(number="ORD-9")
    assert refused.last_error == "550 5.1.1 No such mailbox here"
    assert len(mail.mails) == 4
    assert InboxEntry.objects.count() == 5
    assert not ScheduledMessage.objects.exists()


def test_any_reply_of_a_mail_server_is_stored_and_no_message_sent_twice(mail, monkeypatch):
    monkeypatch.setitem(simulator.REFUSALS, "bounce", (550, b"gone\x00 \xff"))
    deliver_together([*orders(3), published(order_created("ORD-9", email="bounce@example.com"))])

    assert Notification.objects.get(number="ORD-9").last_error == "550 gone\\x00 \ufffd"
    assert len(mail.mails) == 3
    assert InboxEntry.objects.count() == 4


@pytest.mark.parametrize("email", ["", "nobody", "a b@example.com", "eve@example.com\nBcc: all@example.com"])
def test_a_malformed_address_fails_with_its_reason(mail, email):
    deliver_together([published(order_created("ORD-9", email=email)), *orders(1)])

    malformed = Notification.objects.get(number="ORD-9")
    assert (malformed.state, malformed.last_error) == (State.FAILED, f"{email!r} is no e-mail address.")
    assert mail.subjects == ["We have received your order ORD-0"]


@pytest.mark.parametrize(
    ("name", "email", "header"),
    [
        ('Éva "the" Fox <x@y.z>', "eva@example.com", 'Éva "the" Fox <x@y.z>'),
        ("Max\r\nBcc: all@example.com", "max@example.com", "Max Bcc: all@example.com"),
        ("Jürgen", "juergen@münchen.example", "Jürgen"),
    ],
)
def test_a_name_is_a_name_whatever_is_in_it(mail, name, email, header):
    deliver(published(order_created(name=name, email=email)), "notifications")

    (sent,) = mail.mails
    (to,) = sent["To"].addresses
    assert to.display_name == header
    assert to.addr_spec == email.replace("münchen", "xn--mnchen-3ya")
    assert "Bcc" not in sent


def test_a_full_mailbox_is_tried_again_and_holds_up_nobody(mail):
    events = [published(order_created("ORD-9", email="mailboxfull@example.com")), *orders(1)]
    deliver_together(events)

    assert Notification.objects.get(number="ORD-0").state == State.SENT
    full = Notification.objects.get(number="ORD-9")
    assert (full.state, full.last_error) == (State.QUEUED, "452 4.2.2 The mailbox is full")
    assert waiting(ScheduledMessage.Kind.RETRY) == 1
    assert len(mail.mails) == 1


def test_after_a_crash_the_same_row_is_sent_again_under_the_same_message_id(mail, settings):
    created = published(order_created())
    calm, settings.EMAIL_BACKEND = settings.EMAIL_BACKEND, BACKENDS + "CrashesAfterTaking"
    with pytest.raises(Crash):
        deliver(created, "notifications")
    assert states() == ["sending"]

    settings.EMAIL_BACKEND = calm
    deliver(created, "notifications")
    row = Notification.objects.get()
    assert (row.state, row.attempts) == (State.SENT, 2)
    assert [m["Message-ID"].strip() for m in mail.mails] == [row.message_id] * 2


def test_a_crash_in_the_middle_of_a_batch_sends_only_the_last_few_messages_again(mail, settings):
    events = orders(40)
    calm, settings.EMAIL_BACKEND = settings.EMAIL_BACKEND, BACKENDS + "CrashesAfterTaking25"
    with pytest.raises(Crash):
        deliver_together(events)

    assert states() == ["sent"] * (25 - 25 % services.CHUNK)

    settings.EMAIL_BACKEND = calm
    deliver_together(events)
    assert states() == ["sent"] * 40
    assert len(mail.mails) == 40 + 25 % services.CHUNK


def test_a_crash_at_the_end_of_a_batch_sends_only_the_last_few_messages_again(mail, settings):
    events = orders(25)
    calm, settings.EMAIL_BACKEND = settings.EMAIL_BACKEND, BACKENDS + "CrashesAfterTaking25"
    with pytest.raises(Crash):
        deliver_together(events)

    settings.EMAIL_BACKEND = calm
    deliver_together(events)
    assert len(mail.mails) == 25 + 25 % services.CHUNK


def test_where_the_connection_breaks_the_rest_of_the_batch_waits_with_the_reason(settings):
    settings.EMAIL_BACKEND = BACKENDS + "HangsUpAfterTwo"
    with pytest.raises(ConnectionResetError):
        services.send_messages(kind=Kind.SHIPPED, contexts={order_id: {} for order_id in known_recipients(4)})

    assert list(Notification.objects.order_by("id").values_list("state", "attempts", "last_error")) == [
        *[("sent", 1, "")] * 2,
        *[("queued", 1, "ConnectionResetError: the mail server hung up")] * 2,
    ]


def test_what_a_slow_mail_server_leaves_waits_with_the_reason(monkeypatch, settings):
    monkeypatch.setattr(channels, "TIME_LIMIT", 0.0)
    with pytest.raises(DeliveryPostponed, match="2 of 3 messages are left"):
        services.send_messages(kind=Kind.SHIPPED, contexts={order_id: {} for order_id in known_recipients(3)})

    assert states() == ["queued", "queued", "sent"]
    assert "slow" in Notification.objects.filter(state=State.QUEUED)[0].last_error


def test_a_slow_mail_server_gets_the_rest_of_the_batch_later(mail, monkeypatch, settings):
    monkeypatch.setattr(channels, "TIME_LIMIT", 0.3)
    monkeypatch.setattr(channels, "time", SimpleNamespace(monotonic=lambda: TakesItsTimeByTheClock.now))
    settings.EMAIL_BACKEND = BACKENDS + "TakesItsTimeByTheClock"
    deliver_together(orders(4))

    assert len(mail.mails) == 4
    assert Notification.objects.filter(state=State.SENT, attempts=1).count() == 2
    assert Notification.objects.filter(state=State.SENT, attempts=2).count() == 2


def test_a_silent_mail_server_is_waited_for_once_and_not_once_a_message(monkeypatch, settings):
    monkeypatch.setattr(channels, "SLOW", 0.01)
    monkeypatch.setattr(NeverAnswers, "calls", 0)
    settings.EMAIL_BACKEND = BACKENDS + "NeverAnswers"
    deliver_together(orders(5))

    assert NeverAnswers.calls == 1
    assert states() == ["queued"] * 5
    assert waiting(ScheduledMessage.Kind.RETRY) == 5
