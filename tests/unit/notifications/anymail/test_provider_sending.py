"""Messages through a provider: sent once, queued in an outage, refused alone."""

from datetime import timedelta
from smtplib import SMTPRecipientsRefused

import pytest
from django.core.mail import send_mail

from notifications import channels, services
from notifications.anymail.failures import ProviderMisconfigured
from notifications.channels import EmailChannel
from notifications.models import Kind, Notification, Recipient, State
from shop.accounts import mails
from shop.accounts.models import AccountMail
from shop.messaging.models import DeadLetter, InboxEntry, OutboxEntry, ScheduledMessage
from tests.support.inprocess import fire_retries
from tests.unit.notifications.support import deliver_together, known_recipients, orders, states, waiting

pytestmark = pytest.mark.django_db(transaction=True)


def send_to_all(number=1):
    services.send_messages(kind=Kind.SHIPPED, contexts={order: {} for order in known_recipients(number)})


def test_a_refused_address_is_no_outage_and_no_dead_letter(postmark):
    first, gone, last = known_recipients(3)
    Recipient.objects.filter(order_id=gone).update(email="gone@example.com")
    services.send_messages(kind=Kind.SHIPPED, contexts={order: {} for order in (first, gone, last)})

    found = dict(Notification.objects.values_list("order_id", "state"))
    assert found == {first: State.SENT, gone: State.FAILED, last: State.SENT}
    assert Notification.objects.get(order_id=gone).last_error.startswith("550 ")
    assert not ScheduledMessage.objects.exists()
    assert not DeadLetter.objects.exists()


def test_in_an_outage_messages_are_queued_with_what_to_do(postmark):
    with postmark.failing("401"), pytest.raises(ProviderMisconfigured):
        send_to_all(2)
    assert states() == ["queued", "queued"]
    assert Notification.objects.first().last_error.endswith("check SHOP_MAIL_API_KEY")


def test_a_wrong_key_is_an_error_of_the_configuration(postmark, settings):
    settings.SHOP_MAIL_API_KEY = "key_of_somebody_else"
    with pytest.raises(ProviderMisconfigured, match="check SHOP_MAIL_API_KEY"):
        send_to_all()
    assert postmark.sent == []


def test_a_sender_that_is_no_address_fails_no_message(postmark, settings):
    settings.DEFAULT_FROM_EMAIL = "The Shop, of course"
    with pytest.raises(ProviderMisconfigured, match="check DEFAULT_FROM_EMAIL"):
        send_to_all()
    assert states() == ["queued"]


def test_messages_wait_while_the_provider_is_away_and_are_sent_once_afterwards(postmark):
    events = orders(3)
    with postmark.failing("500"):
        deliver_together(events)
    assert states() == ["queued"] * 3
    assert InboxEntry.objects.count() == 0
    assert waiting(ScheduledMessage.Kind.RETRY) == 3

    OutboxEntry.objects.all().delete()  # the copies for other apps
    fire_retries()
    assert states() == ["sent"] * 3
    assert len(postmark.sent) == 3
    assert not DeadLetter.objects.exists()


def test_a_message_whose_answer_was_lost_is_sent_once_where_the_provider_knows_keys(
    api, provider, settings, monkeypatch
):
    monkeypatch.setattr(channels, "SLOW", 60.0)
    settings.SHOP_MAIL_TIMEOUT = timedelta(seconds=0.3)
    with api.failing("timeout", calls=1):
        deliver_together(orders(1))  # the second attempt follows at once
    assert states() == ["sent"]
    assert len(api.seen) == 2
    assert len(api.sent) == (1 if provider in {"brevo", "resend"} else 2)
    assert len({sent.headers.get("Message-ID") or sent.id for sent in api.sent}) == 1


def test_a_message_that_reads_differently_at_the_second_attempt_is_not_sent_twice(api, provider, settings):
    if provider not in {"brevo", "resend"}:
        pytest.skip("the provider knows no keys")
    (order,) = known_recipients(1)
    for carrier in ("UPS", "DHL"):
        Notification.objects.all().delete()
        services.send_messages(kind=Kind.SHIPPED, contexts={order: {"carrier": carrier}})
    assert states() == ["sent"]
    assert len(api.sent) == 1


def test_a_message_bears_the_reference_by_which_notices_name_it(api):
    (order,) = known_recipients(1)
    services.send_messages(kind=Kind.SHIPPED, contexts={order: {}})
    services.resend(notification_id=Notification.objects.get().pk, by="olga")
    assert [sent.metadata for sent in api.sent] == [
        {"order_id": str(order), "message": "shipped"},
        {"order_id": str(order), "message": "shipped.1"},
    ]


def test_a_batch_goes_over_one_connection(postmark):
    send_to_all(5)
    assert len(postmark.sent) == 5
    assert len(postmark.connections) == 1


def test_mail_about_accounts_goes_the_same_way_without_a_reference(postmark):
    assert send_mail("Your new password", "Here is the link", None, ["rose@example.com"]) == 1
    (sent,) = postmark.sent
    assert (sent.to, sent.metadata, sent.key) == ("rose@example.com", {}, "")


def test_a_silent_provider_is_asked_once_and_then_left_alone_for_a_while(postmark, settings, monkeypatch):
    monkeypatch.setattr(channels, "SLOW", 0.1)
    settings.SHOP_MAIL_TIMEOUT = timedelta(seconds=0.3)
    with postmark.failing("timeout"):
        deliver_together(orders(3))
    assert len(postmark.seen) == 1
    assert EmailChannel.paused_until


def test_mail_about_an_account_to_a_refused_address_is_not_tried_again(postmark):
    with pytest.raises(SMTPRecipientsRefused):
        send_mail("Your new password", "Here is the link", None, ["gone@example.com"])
    AccountMail.objects.create(
        kind=AccountMail.Kind.ADDRESS_CHANGED,
        email="gone@example.com",
        site="http://s",
        due_at="2026-01-01T00:00Z",
    )
    mails.send_due()
    assert AccountMail.objects.get().due_at is None
