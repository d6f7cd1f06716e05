"""Resends by operators: the message keeps its row, and its history has who, when and the outcome."""

import pytest
from django.contrib.auth.models import Permission, User
from django.urls import reverse
from rest_framework.test import APIClient

from notifications import consumers, services, simulator  # noqa: F401 - registers the consumers
from notifications.errors import ResendFailed, StillWaiting
from notifications.models import Kind, Notification, Recipient, Resend, State
from notifications.queries import notifications_of
from shop.ids import uuid7
from tests.support.forms import fields_of
from tests.support.inprocess import deliver
from tests.support.rights import staff_with
from tests.unit.notifications.facts import later_events, order_created, published

pytestmark = [
    pytest.mark.django_db,
]


@pytest.fixture
def order():
    return published(order_created())


@pytest.fixture
def notification(order):
    deliver(order, "notifications")
    return Notification.objects.get()


@pytest.fixture
def operator():
    user = User.objects.create_user("olga", is_staff=True)
    user.user_permissions.add(
        *Permission.objects.filter(codename__in=["resend_notification", "view_notification", "view_resend"])
    )
    return user


@pytest.fixture
def api(operator):
    client = APIClient()
    client.force_authenticate(operator)
    return client


def test_a_resend_goes_out_and_keeps_the_one_row(mail, notification):
    sent = services.resend(notification_id=notification.pk, by="olga")

    assert Notification.objects.get() == sent
    assert (sent.state, sent.attempts) == (State.SENT, 2)
    assert sent.sent_at > notification.sent_at
    assert mail.subjects == ["We have received your order ORD-1042"] * 2
    resend = Resend.objects.get()
    assert (resend.by, resend.outcome, resend.email) == ("olga", "sent", "alice@example.com")


def test_a_mailbox_does_not_take_resends_for_duplicates(mail, notification):
    for _ in range(2):
        services.resend(notification_id=notification.pk, by="olga")

    first, second, third = [m["Message-ID"].strip() for m in mail.mails]
    assert first == notification.message_id == Notification.objects.get().message_id
    assert second == first.replace("@", ".1@")
    assert third == first.replace("@", ".2@")


def test_a_resend_to_a_new_address_is_for_later_messages_too(mail):
    order = published(order_created(email="bounce@example.com"))
    deliver(order, "notifications")
    refused = Notification.objects.get()
    assert refused.state == State.FAILED

    services.resend(notification_id=refused.pk, by="olga", email="alice@example.com")
    deliver(published(later_events(order.order_id)[0]), "notifications")
    assert [m["To"] for m in mail.mails] == ["Alice Liddell <alice@example.com>"] * 2
    assert Recipient.objects.get().email == "alice@example.com"
    assert set(Notification.objects.values_list("state", "last_error")) == {("sent", "")}


def test_a_failed_resend_says_why_and_the_message_stays_sent(notification):
    simulator.take_down()
    with pytest.raises(ResendFailed, match="mail server is down"):
        services.resend(notification_id=notification.pk, by="olga")

    resend = Resend.objects.get()
    assert resend.outcome == "failed"
    assert "mail server is down" in resend.error
    assert Notification.objects.get().state == State.SENT
    assert Notification.objects.get().sent_at == notification.sent_at


def test_a_refused_resend_is_in_the_history(notification):
    with pytest.raises(ResendFailed, match="No such mailbox"):
        services.resend(notification_id=notification.pk, by="olga", email="bounce@example.com")
    assert Resend.objects.get().error == "550 5.1.1 No such mailbox here"


def test_what_waits_to_be_sent_by_itself_cannot_be_sent_again(mail, order):
    simulator.take_down()
    deliver(order, "notifications")
    simulator.bring_up()
    with pytest.raises(StillWaiting, match="is queued and will be sent automatically"):
        services.resend(notification_id=Notification.objects.get().pk, by="olga")
    assert mail.mails == []
    assert not Resend.objects.exists()


def test_queries_tell_the_messages_of_an_order(order, notification):
    deliver(published(later_events(order.order_id)[0]), "notifications")
    deliver(published(order_created("ORD-7")), "notifications")

    received, paid = notifications_of(order.order_id)
    assert (received.kind, received.state, received.attempts) == ("order_received", "sent", 1)
    assert paid.subject == "Your payment for order ORD-1042"
    assert paid.sent_at >= received.sent_at


# --- REST ------------------------------------------------------------------------------------


def test_staff_list_and_filter_messages(api, order, notification):
    deliver(published(later_events(order.order_id)[0]), "notifications")
    deliver(published(order_created("ORD-7")), "notifications")

    url = reverse("notification-list")
    everything = api.get(url).json()["results"]
    assert [(row["number"], row["kind"]) for row in everything] == [
        ("ORD-7", "order_received"),
        ("ORD-1042", "payment_received"),
        ("ORD-1042", "order_received"),
    ]
    for query, found in [
        ({"order_id": str(order.order_id)}, 2),
        ({"number": "ORD-7"}, 1),
        ({"kind": "payment_received"}, 1),
        ({"state": "failed"}, 0),
        ({"email": "ALICE@example.com"}, 3),
    ]:
        assert len(api.get(url, query).json()["results"]) == found
    assert api.get(url, {"state": "lost"}).status_code == 400


def test_staff_read_a_message_and_its_resends(api, notification):
    services.resend(notification_id=notification.pk, by="olga")
    body = api.get(reverse("notification-detail", args=[notification.pk])).json()
    assert body["context"]["total"] == "49.90 EUR"
    assert body["message_id"] == notification.message_id
    assert [resend["by"] for resend in body["resends"]] == ["olga"]


def test_staff_send_a_message_again(api, mail, notification):
    url = reverse("notification-resend", args=[notification.pk])
    response = api.post(url, {"email": "rabbit@example.com"}, format="json")

    assert response.status_code == 200
    assert response.json()["email"] == "rabbit@example.com"
    assert mail.mails[-1]["To"] == "Alice Liddell <rabbit@example.com>"


def test_a_resend_is_refused_with_the_reason(api, notification):
    url = reverse("notification-resend", args=[notification.pk])
    unknown = api.post(url, {"adress": "rabbit@example.com"}, format="json")
    assert unknown.status_code == 400
    assert "Remove this field: it is unknown" in unknown.json()["detail"]
    malformed = api.post(url, {"email": "rabbit"}, format="json")
    assert malformed.status_code == 400
    refused = api.post(url, {"email": "bounce@example.com"}, format="json")
    assert refused.status_code == 409
    assert "No such mailbox" in refused.json()["detail"]
    assert api.post(reverse("notification-resend", args=[uuid7()])).status_code == 404


def test_only_staff_read_and_only_some_resend(notification):
    customer, clerk = User.objects.create_user("carol"), staff_with("notifications.view_notification")
    client = APIClient()
    resend = reverse("notification-resend", args=[notification.pk])
    assert client.get(reverse("notification-list")).status_code == 401
    client.force_authenticate(customer)
    assert client.get(reverse("notification-list")).status_code == 403
    client.force_authenticate(clerk)
    assert client.get(reverse("notification-list")).status_code == 200
    assert client.post(resend).status_code == 403
    assert not Resend.objects.exists()


# --- Admin -----------------------------------------------------------------------------------


def test_operators_resend_in_the_admin(client, operator, mail, notification):
    client.force_login(operator)
    changes = reverse("admin:notifications_notification_changelist")
    data = {"action": "resend", "_selected_action": [str(notification.pk)]}
    response = client.post(changes, data, follow=True)

    assert "was sent again" in response.content.decode()
    assert len(mail.mails) == 2
    assert Resend.objects.get().by == "olga"


def test_a_double_clicked_action_sends_each_message_again_once(client, operator, mail, order, notification):
    deliver(published(later_events(order.order_id)[0]), "notifications")
    client.force_login(operator)
    changes = reverse("admin:notifications_notification_changelist")
    chosen = [str(pk) for pk in Notification.objects.values_list("pk", flat=True)]
    for _ in range(2):  # another form may send them again
        sent_before = Resend.objects.count()
        (key,) = set(fields_of(client.get(changes))["attempt"])
        data = {"action": "resend", "_selected_action": chosen, "attempt": key}
        answers = [client.post(changes, data, follow=True) for _ in range(2)]
        assert Resend.objects.count() - sent_before == len(chosen) == 2
        assert "has taken effect" in answers[1].content.decode()
    assert "Attempt:" not in answers[1].content.decode()


def test_the_admin_shows_the_message_and_changes_nothing(client, operator, notification):
    client.force_login(operator)
    page = client.get(reverse("admin:notifications_notification_change", args=[notification.pk]))
    html = page.content.decode()
    message = reverse("admin:notifications_notification_message", args=[notification.pk])
    assert f'sandbox src="{message}"' in html
    framed = client.get(message)
    assert "<h1 style=" in framed.content.decode()
    assert framed.headers["X-Frame-Options"] == "SAMEORIGIN"
    assert "sandbox" in framed.headers["Content-Security-Policy"]
    assert "script-src" not in framed.headers["Content-Security-Policy"]
    assert 'name="_save"' not in html
    assert client.get(reverse("admin:notifications_notification_add")).status_code == 403


def test_staff_without_the_permission_are_not_offered_a_resend(client, notification):
    client.force_login(staff_with("notifications.view_notification"))
    page = client.get(reverse("admin:notifications_notification_changelist"))
    assert "Send again" not in page.content.decode()


def test_a_message_is_shown_only_to_those_who_may_view_it(client, notification):
    client.force_login(User.objects.create_user("cleo", is_staff=True))
    url = reverse("admin:notifications_notification_message", args=[notification.pk])
    assert client.get(url).status_code == 403


def test_a_message_moves_only_where_it_legally_may(notification):
    rows = Notification.objects.filter(kind=Kind.ORDER_RECEIVED)
    assert rows.move(State.QUEUED) == 0
    assert rows.move(State.FAILED) == 0
    assert Notification.objects.get().state == State.SENT
