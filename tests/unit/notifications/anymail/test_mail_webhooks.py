"""Webhooks of providers of e-mail: verified, stored once, and what they report kept with the message."""

import dataclasses
import itertools
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User

from notifications import erasure, services
from notifications.errors import ResendFailed
from notifications.models import Kind, Notification, Recipient
from notifications.reports import UNSTORED
from shop.accounts import confirmation
from shop.accounts.models import UnconfirmedAddress
from shop.accounts.queries import unconfirmed
from shop.messaging.models import OutboxEntry, ScheduledMessage
from shop.webhooks.models import ProviderNotice
from tests.support.inprocess import deliver_all, fire_reminders
from tests.support.mail_api.webhooks import SECRET, SIGNING_KEY, WORDS, webhook
from tests.unit.notifications.support import known_recipients

pytestmark = pytest.mark.django_db
ALICE = "alice@example.com"


@pytest.fixture(autouse=True)
def endpoint(settings, request):
    """Open the door to the provider of the test."""
    name = request.getfixturevalue("provider") if "provider" in request.fixturenames else "postmark"
    settings.SHOP_WEBHOOKS = {name: "notifications.anymail.webhooks.endpoint"}
    settings.SHOP_MAIL_WEBHOOK_SECRETS, settings.SHOP_MAIL_WEBHOOK_SIGNING_KEY = [SECRET], SIGNING_KEY


@pytest.fixture
def send(client):
    """Return a function that sends a webhook."""

    def post(notice):
        return client.post(
            notice.url, notice.encoded(), content_type="application/json", headers=notice.headers()
        ).status_code

    return post


@pytest.fixture
def order():
    """Return the id of an order about which one message is sent, by a provider that the test names."""
    return known_recipients(1)[0]


def mailed(stand_in, order, kind=Kind.SHIPPED):
    services.send_messages(kind=kind, contexts={order: {}})
    OutboxEntry.objects.all().delete()
    return stand_in.sent[-1]


def report_of(order):
    return Notification.objects.get(order_id=order).report


@pytest.mark.parametrize(
    ("kind", "report", "closed"),
    [
        ("delivered", "delivered", set()),
        ("bounced", "bounced", {ALICE}),
        ("complained", "complained", {ALICE}),
    ],
)
def test_what_became_of_a_message_is_kept_with_it(api, provider, send, order, kind, report, closed):
    sent = mailed(api, order)
    assert send(webhook(provider, kind, sent)) == 200
    deliver_all()
    assert report_of(order) == report
    assert unconfirmed([ALICE]) == closed
    assert not ProviderNotice.objects.filter(worked_at=None).exists()


def test_a_failure_that_may_pass_closes_no_address(api, provider, send, order):
    sent = mailed(api, order)
    assert send(webhook(provider, "full", sent)) == 200
    deliver_all()
    assert report_of(order) == ("" if provider == "mailgun" else "bounced"), "Mailgun goes on trying"
    assert unconfirmed([ALICE]) == set()


def test_a_notice_that_comes_twice_is_stored_and_worked_once(api, provider, send, order):
    notice = webhook(provider, "bounced", mailed(api, order))
    assert [send(notice), send(notice)] == [200, 200]
    assert ProviderNotice.objects.count() == 1
    assert deliver_all() == 1
    assert send(notice) == 200
    assert deliver_all() == 0


def test_a_forged_notice_is_refused_and_not_stored(api, provider, send, order, django_assert_num_queries):
    notice = webhook(provider, "bounced", mailed(api, order))
    forged = dataclasses.replace(notice, secret="shop:guess", signing_key="guess")
    with django_assert_num_queries(0):
        assert send(forged) == 400
    assert not ProviderNotice.objects.exists()


def test_without_a_secret_there_is_no_such_address(api, provider, send, order, settings):
    settings.SHOP_MAIL_WEBHOOK_SECRETS, settings.SHOP_MAIL_WEBHOOK_SIGNING_KEY = [], ""
    assert send(webhook(provider, "bounced", mailed(api, order))) == 404


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"[]", b"null", b"\xff", b'{"event": {}}', b'{"type": []}', b'{"signature": "\xc3\xa9"}'],
)
def test_what_is_no_event_is_refused_or_left_alone(api, provider, client, order, body):
    headers = webhook(provider, "delivered", mailed(api, order)).headers()
    answer = client.post(
        f"/providers/{provider}/webhook", body, content_type="application/json", headers=headers
    )
    assert answer.status_code in {200, 400}
    assert not ProviderNotice.objects.exists()


def test_both_secrets_hold_while_one_is_replaced(postmark, send, order, settings):
    settings.SHOP_MAIL_WEBHOOK_SECRETS = ["shop:new", SECRET]
    assert send(webhook("postmark", "delivered", mailed(postmark, order))) == 200


def test_notices_in_any_order_say_the_same_in_the_end(postmark, send, order):
    sent = mailed(postmark, order)
    for kinds in itertools.permutations(["delivered", "bounced", "complained"]):
        Notification.objects.update(report="", reported_at=None)
        for kind in kinds:
            send(webhook("postmark", kind, sent))
        deliver_all()
        assert report_of(order) == "complained", kinds
    assert UnconfirmedAddress.objects.get().reason == "complained"


def test_the_words_of_the_mail_server_are_kept_for_the_operator(postmark, send, order):
    send(webhook("postmark", "bounced", mailed(postmark, order)))
    deliver_all()
    assert Notification.objects.get().report_detail == WORDS


def test_a_notice_of_an_earlier_copy_says_nothing_of_the_latest(postmark, send, order):
    first = mailed(postmark, order)
    services.resend(notification_id=Notification.objects.get().pk, by="olga", email="rose@example.com")
    send(webhook("postmark", "bounced", first))
    deliver_all()
    assert report_of(order) == ""
    assert unconfirmed([ALICE, "rose@example.com"]) == {ALICE}

    send(webhook("postmark", "delivered", postmark.sent[-1]))
    deliver_all()
    assert report_of(order) == "delivered"


def test_a_notice_about_a_message_of_others_is_left_alone(postmark, send, order):
    sent = mailed(postmark, order)
    strange = dataclasses.replace(sent, metadata={})
    assert send(webhook("postmark", "bounced", strange)) == 200
    assert not ProviderNotice.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_notice_that_comes_before_the_message_is_stored_waits_for_it(postmark, send, order):
    sent = mailed(postmark, order)
    row = Notification.objects.get()
    row.delete()
    send(webhook("postmark", "delivered", sent))
    deliver_all(freeing_parked=False)
    assert ScheduledMessage.objects.get().kind == ScheduledMessage.Kind.DEFERRED

    row.save(force_insert=True)
    ScheduledMessage.objects.update(due_at=datetime.now(UTC))
    deliver_all()
    assert report_of(order) == "delivered"


def test_a_notice_about_a_message_that_is_gone_ends(postmark, send, order):
    sent = mailed(postmark, order)
    Notification.objects.all().delete()
    send(webhook("postmark", "bounced", sent))
    ProviderNotice.objects.update(received_at=datetime.now(UTC) - 2 * UNSTORED)
    deliver_all()
    assert not ScheduledMessage.objects.exists()
    assert not ProviderNotice.objects.filter(worked_at=None).exists()


def test_an_old_signature_of_mailgun_is_refused(mail_api, send, order, settings):
    settings.SHOP_WEBHOOKS = {"mailgun": "notifications.anymail.webhooks.endpoint"}
    sent = mailed(mail_api("mailgun"), order)
    assert send(webhook("mailgun", "bounced", sent, datetime.now(UTC) - timedelta(hours=25))) == 400
    assert send(webhook("mailgun", "bounced", sent, datetime.now(UTC) - timedelta(hours=9))) == 200


# --- The address -------------------------------------------------------------------------------


def bounce(stand_in, send, order):
    """Have the message of an order come back."""
    sent = mailed(stand_in, order)
    send(webhook("postmark", "bounced", sent))
    deliver_all()
    return sent


def test_an_address_that_mail_came_back_from_gets_nothing_more(postmark, send, order):
    bounce(postmark, send, order)
    services.send_messages(kind=Kind.DELIVERED, contexts={order: {"day": "today"}})
    assert len(postmark.sent) == 1
    withheld = Notification.objects.get(kind=Kind.DELIVERED)
    assert (withheld.state, withheld.last_error) == ("withheld", services.UNCONFIRMED)
    with pytest.raises(ResendFailed, match="came back"):
        services.resend(notification_id=Notification.objects.get(kind=Kind.SHIPPED).pk, by="olga")
    assert len(postmark.sent) == 1


def release():
    OutboxEntry.objects.all().delete()
    fire_reminders()


@pytest.mark.django_db(transaction=True)
def test_once_its_owner_confirms_the_address_it_gets_what_was_withheld(postmark, send, order):
    alice = User.objects.create_user("alice", "Alice@example.com")
    sent = bounce(postmark, send, order)
    services.send_messages(kind=Kind.DELIVERED, contexts={order: {"day": "today"}})
    confirmation.confirm(UnconfirmedAddress.objects.get(user=alice), site="http://testserver")
    release()
    assert [one.to for one in postmark.sent] == [ALICE, ALICE]

    late = webhook("postmark", "bounced", sent, datetime.now(UTC) - timedelta(minutes=5))
    send(late)
    deliver_all()
    assert unconfirmed([ALICE]) == set(), "that was before the confirmation"
    send(webhook("postmark", "bounced", sent, datetime.now(UTC) + timedelta(seconds=1)))
    deliver_all()
    assert unconfirmed([ALICE]) == {ALICE}


@pytest.mark.django_db(transaction=True)
def test_another_address_of_the_owner_gets_what_was_withheld(postmark, send, order):
    alice = User.objects.create_user("alice", ALICE)
    bounce(postmark, send, order)
    services.send_messages(kind=Kind.DELIVERED, contexts={order: {"day": "today"}})
    confirmation.require_confirmation(user=alice, email="liddell@example.com", site="http://testserver")
    confirmation.confirm(UnconfirmedAddress.objects.get(is_in_use=False), site="http://testserver")
    release()
    assert [one.to for one in postmark.sent if one.subject.startswith("Your order")] == [
        ALICE,
        "liddell@example.com",
    ]
    assert not UnconfirmedAddress.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_another_address_by_an_operator_gets_what_was_withheld(postmark, send, order):
    bounce(postmark, send, order)
    services.send_messages(kind=Kind.DELIVERED, contexts={order: {"day": "today"}})
    shipped = Notification.objects.get(kind=Kind.SHIPPED)
    services.resend(notification_id=shipped.pk, by="olga", email="liddell@example.com")
    release()
    assert [one.to for one in postmark.sent] == [ALICE, "liddell@example.com", "liddell@example.com"]


@pytest.mark.django_db(transaction=True)
def test_an_operator_lets_mail_pass_again(postmark, send, order, admin_client):
    bounce(postmark, send, order)
    services.send_messages(kind=Kind.DELIVERED, contexts={order: {"day": "today"}})
    never = UnconfirmedAddress.objects.create(
        user=User.objects.create_user("grace"), email="grace@example.com", is_in_use=True
    )
    chosen = list(UnconfirmedAddress.objects.values_list("pk", flat=True))
    data = {"action": "let_mail_pass", "_selected_action": chosen}
    page = admin_client.post("/admin/accounts/unconfirmedaddress/", data, follow=True).content.decode()
    assert "Mail passes again to 1 address" in page
    assert "Never confirmed, and left to its owner: 1 address." in page
    release()
    assert [one.to for one in postmark.sent] == [ALICE, ALICE]
    assert unconfirmed([ALICE, never.email]) == {never.email}


def test_the_pages_of_the_customer_say_that_mail_came_back(postmark, send, order, client):
    alice = User.objects.create_user("alice", ALICE)
    bounce(postmark, send, order)
    client.force_login(alice)
    page = client.get("/accounts/").content.decode()
    assert f"Our e-mails to <strong>{ALICE}</strong> came back" in page


def test_the_admin_and_the_api_show_the_report(postmark, send, order, admin_client):
    bounce(postmark, send, order)
    page = admin_client.get("/admin/notifications/notification/?report=bounced").content.decode()
    assert "Bounced" in page
    (row,) = admin_client.get("/api/v1/notifications?report=bounced").json()["results"]
    assert (row["report"], row["report_detail"]) == ("bounced", WORDS)


def test_a_late_notice_brings_back_no_address_of_a_forgotten_customer(postmark, send, order):
    sent = bounce(postmark, send, order)
    erasure.erase_messages(order_ids=[order])
    assert Notification.objects.get().report_detail == ""
    assert not UnconfirmedAddress.objects.exists()

    send(webhook("postmark", "complained", sent))
    deliver_all()
    assert not UnconfirmedAddress.objects.exists()
    assert Recipient.objects.get().email == ""
