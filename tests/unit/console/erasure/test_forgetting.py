"""Forgetting: nothing of a customer is left, and nothing comes back; orders, books and log stay."""

import json
import stat
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.urls import reverse

from console.audit import audit
from console.erasure.erasures_file import erasures
from notifications.errors import CustomerWasForgotten
from notifications.models import Notification, Resend
from notifications.services import resend
from orders.models import Order
from payments.events import PaymentFailedV1
from payments.models import Payment
from shipping.models import Shipment
from shop.ids import uuid7
from shop.messaging.event_log import replay, timeline
from shop.messaging.models import DeadLetter, DeadLetterAction, EventRecord, InboxEntry, ScheduledMessage
from shop.messaging.publishing import publish
from shop.privacy import data_keys
from shop.privacy.models import DataSubject
from tests.support.inprocess import deliver, deliver_all, fire_reminders, fire_retries
from tests.support.rights import staff_with
from tests.support.traces import columns_with, files_with
from tests.unit.console.erasure.conftest import EMAIL, TOKEN, WORDS

pytestmark = pytest.mark.django_db


def traces(words: list[str]) -> set[str]:
    """Return the columns in which one of the words occurs, and "mail files"."""
    mails = list(files_with(words, Path(settings.EMAIL_FILE_PATH)))
    return columns_with(words, rows) | ({"mail files"} if mails else set())


def rows(query: str, *parameters: object) -> list[tuple[object, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        return cursor.fetchall()


def forget(user: User) -> None:
    call_command("forget_customer", str(user.pk))
    fire_reminders()
    deliver_all()


def test_nothing_of_a_forgotten_customer_is_found(zebulon, caplog):
    order = zebulon.order()
    zebulon.order(pays_with=TOKEN)
    zebulon.order(street="EZ6000000006 Xylophone Mews")
    zebulon.order(cancel=True)
    zebulon.change_address("bounce@quuxworth.example")
    zebulon.order()
    zebulon.leave_traces_in_the_account()
    zebulon.leave_traces_of_operators(order)
    assert traces(WORDS) >= {
        "auth_user.last_name", "orders_order.ship_street", "shipping_shipment.street",
        "shipping_simulatedlabel.street", "payments_payment.method", "payments_payment.failure_message",
        "payments_simulatedcharge.token", "notifications_recipient.name",
        "notifications_notification.context",
        "notifications_resend.email", "messaging_deadletter.body", "messaging_deadletter.traceback",
        "messaging_deadletteraction.diff", "messaging_scheduledmessage.body", "django_admin_log.object_repr",
        "django_celery_results_taskresult.task_kwargs", "accounts_apikey.name", "mail files",
        "accounts_accountmail.email", "accounts_unconfirmedaddress.email", "otp_totp_totpdevice.name",
    }  # fmt: skip
    events, books = EventRecord.objects.count(), Order.objects.values_list("pk", "total", "status")
    before = list(books)

    forget(zebulon.user)

    assert traces(WORDS) == set()
    assert not [word for word in WORDS if word in caplog.text.lower()]
    assert list(books) == before
    assert EventRecord.objects.count() == events + len(before)
    DeadLetterAction.objects.all().delete()
    DeadLetter.objects.all().delete()  # they were invented
    ScheduledMessage.objects.exclude(kind="reminder").delete()
    invented = InboxEntry.objects.filter(consumer="shipping.when_order_created_remember_address")
    invented.exclude(event_id__in=EventRecord.objects.values("id")).delete()
    report = audit()
    assert report.holds, report.violations


def test_late_events_bring_nothing_back(zebulon):
    zebulon.order(pays_with=TOKEN)
    zebulon.order()
    zebulon.leave_traces_of_operators(Order.objects.latest("pk"))
    events = [event for event in replay() if event.app in {"orders", "payments", "shipping"}]
    forget(zebulon.user)
    data_keys.cache.clear()

    InboxEntry.objects.all().delete()
    Resend.objects.all().delete()
    Notification.objects.all().delete()
    for event in events:
        deliver(event, app="notifications")
    Shipment.objects.all().delete()
    Payment.objects.all().delete()
    fire_retries()
    for event in events[:1]:
        deliver(event)
    deliver_all()

    assert traces(WORDS) == set()


def test_words_from_before_they_were_sealed_bring_nothing_back(zebulon):
    order = zebulon.order()
    forget(zebulon.user)
    words = f"No such card: {TOKEN}"
    with transaction.atomic():
        event = publish(PaymentFailedV1(order_id=order.pk, payment_id=uuid7(), code="x", message=words))
    deliver(event, app="notifications")
    message = Notification.objects.get(kind="payment_failed")
    assert (message.context, message.state) == ({"message": ""}, "failed")


def test_the_log_is_as_it_was(zebulon):
    order = zebulon.order()
    before = list(EventRecord.objects.order_by("position").values())
    forget(zebulon.user)
    assert list(EventRecord.objects.order_by("position").values())[: len(before)] == before
    assert [entry.name for entry in timeline(order.pk)][-1] == "CustomerForgotten"


def test_the_key_is_destroyed_at_once_and_the_rest_when_no_process_remembers_it(zebulon):
    order = zebulon.order()
    call_command("forget_customer", EMAIL)
    subject = DataSubject.objects.get(account_id=zebulon.user.pk)
    assert (subject.wrapped_key, subject.forgotten_at is None) == ("", False)
    deliver_all()
    assert Order.objects.get().ship_name == order.ship_name  # a worker may have opened facts a moment ago
    due = ScheduledMessage.objects.get(type="orders.ErasureDue.v1")
    assert (due.due_at - subject.forgotten_at).total_seconds() > 60 + 60 - 5


def test_an_account_that_is_forgotten_is_closed(zebulon):
    zebulon.order()
    forget(zebulon.user)
    user = User.objects.get(pk=zebulon.user.pk)
    assert (user.is_active, user.has_usable_password(), user.username) == (
        False,
        False,
        f"forgotten-{user.pk}",
    )
    assert zebulon.browser.get("/orders/").status_code == 302
    headers = {"Authorization": f"Bearer {zebulon.key}"}
    assert zebulon.browser.get("/api/v1/orders", headers=headers).status_code == 401


def test_a_customer_whose_order_is_on_its_way_is_not_forgotten(zebulon):
    zebulon.order()
    order = zebulon.shop.place()
    Order.objects.filter(pk=order.pk).update(customer=zebulon.user)
    with pytest.raises(CommandError, match=f"{order.number} have not ended"):
        call_command("forget_customer", EMAIL)
    assert User.objects.get(pk=zebulon.user.pk).email == EMAIL
    assert erasures() == []


def test_an_order_of_the_last_moment_is_waited_for(zebulon):
    zebulon.order()
    call_command("forget_customer", EMAIL)
    late = zebulon.shop.place()
    Order.objects.filter(pk=late.pk).update(customer=zebulon.user)
    fire_reminders()
    assert Order.objects.exclude(pk=late.pk).get().ship_street.startswith("17 Xylophone")
    zebulon.shop.run_to_end()
    assert traces(WORDS) == set()


def test_a_parcel_that_was_lost_does_not_keep_a_customer_for_ever(zebulon):
    order = zebulon.order(street="EZ_LOST Xylophone Mews")
    assert order.status == "needs_attention"
    forget(zebulon.user)
    assert traces(WORDS) == set()


def test_staff_and_strangers_are_not_forgotten(zebulon):
    with pytest.raises(CommandError, match="There is no account nobody"):
        call_command("forget_customer", "nobody@example.com")
    User.objects.filter(pk=zebulon.user.pk).update(is_staff=True)
    with pytest.raises(CommandError, match="Staff are not forgotten"):
        call_command("forget_customer", EMAIL)


def test_an_address_of_several_accounts_forgets_none_of_them(zebulon):
    User.objects.create_user("another", EMAIL)
    with pytest.raises(CommandError, match="Several accounts"):
        call_command("forget_customer", EMAIL)


def test_a_dry_run_counts_and_changes_nothing(zebulon, capsys):
    zebulon.order()
    found = traces(WORDS)
    call_command("forget_customer", EMAIL, "--dry-run")
    counts = {table: int(count) for count, table in map(str.split, capsys.readouterr().out.splitlines())}
    assert counts["orders_order"] == counts["shipping_shipment"] == counts["payments_payment"] == 1
    assert counts["notifications_notification"] == 4
    assert {column.split(".")[0] for column in found} - counts.keys() == {
        "mail files", "payments_simulatedcharge", "shipping_simulatedlabel"
    } & {column.split(".")[0] for column in found}  # fmt: skip
    assert traces(WORDS) == found


def test_an_export_has_everything_in_clear_and_no_secret(zebulon, capsys):
    order = zebulon.order()
    call_command("export_customer", EMAIL)
    text = capsys.readouterr().out
    export = json.loads(text)
    assert export["tables"]["orders_order"][0]["ship_street"] == order.ship_street
    assert export["tables"]["auth_user"][0]["email"] == EMAIL
    [created] = [event for event in export["events"] if event["type"] == "orders.OrderCreated.v2"]
    assert created["data"]["ship_to"]["street"] == order.ship_street
    tables = {column.split(".")[0] for column in traces(WORDS)}
    assert (
        tables - {"mail files", "payments_simulatedcharge", "shipping_simulatedlabel"}
        <= export["tables"].keys()
    )
    assert zebulon.key not in text
    assert not {"password", "digest"} & {name for rows in export["tables"].values() for name in rows[0]}


def test_a_message_to_a_forgotten_customer_is_not_sent_again(zebulon):
    zebulon.order()
    forget(zebulon.user)
    message = Notification.objects.first()
    with pytest.raises(CustomerWasForgotten):
        resend(notification_id=message.pk, by="operator", email=EMAIL)


def test_mails_to_others_stay(zebulon):
    zebulon.order()
    zebulon.shop.delivered()
    forget(zebulon.user)
    mails = "".join(file.read_text() for file in Path(settings.EMAIL_FILE_PATH).glob("*.log"))
    assert mails.count("To: ") == 4


def test_mails_are_found_by_their_order_however_they_are_encoded(zebulon):
    zebulon.user.first_name = "Żebuloń"
    zebulon.user.save()
    order = zebulon.order()
    message = Notification.objects.filter(order_id=order.pk).first()
    resend(notification_id=message.pk, by="operator", email="z@other.example")
    forget(zebulon.user)
    assert list(files_with([str(order.pk)], Path(settings.EMAIL_FILE_PATH))) == []


# --- After a restore ---


def test_erasures_are_kept_apart_without_a_name(zebulon):
    zebulon.order()
    forget(zebulon.user)
    file = Path(settings.SHOP_ERASURES_FILE)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    [erasure] = erasures()
    assert erasure.subject_id == DataSubject.objects.get(account_id=zebulon.user.pk).pk
    assert not [word for word in WORDS if word in file.read_text().lower()]


def restored(user: User, subject: DataSubject | None) -> None:
    """Bring back what a back-up from before the erasure has of a customer."""
    DataSubject.objects.filter(account_id=user.pk).delete()
    user.save()
    if subject:
        subject.save()
    data_keys.cache.clear()


def test_a_customer_who_came_back_with_a_back_up_is_forgotten_again(zebulon, capsys):
    order = zebulon.order()
    subject = DataSubject.objects.get(account_id=zebulon.user.pk)
    forget(zebulon.user)
    restored(zebulon.user, subject)
    order.save()
    assert "orders_order.ship_street" in traces(WORDS)
    call_command("apply_erasures")
    assert "Forgotten again: 1" in capsys.readouterr().out
    fire_reminders()
    assert traces(WORDS) == set()


def test_a_customer_whose_first_order_came_after_the_back_up_is_forgotten_again(zebulon, capsys):
    zebulon.order()
    forget(zebulon.user)
    restored(zebulon.user, None)
    call_command("apply_erasures")
    assert "Forgotten again: 1" in capsys.readouterr().out
    assert "auth_user.email" not in traces(WORDS)


def test_an_account_that_got_the_number_of_a_forgotten_one_is_left_alone(zebulon, capsys):
    zebulon.order()
    forget(zebulon.user)
    DataSubject.objects.all().delete()
    User.objects.filter(pk=zebulon.user.pk).update(email="new@example.com", date_joined="2031-01-01T00:00Z")
    capsys.readouterr()
    call_command("apply_erasures")
    assert capsys.readouterr().out == "Forgotten again: 0\nNot in this database: 1\n"
    assert User.objects.get(pk=zebulon.user.pk).email == "new@example.com"


def test_erasures_are_applied_again_without_harm(zebulon, capsys):
    zebulon.order()
    forget(zebulon.user)
    call_command("apply_erasures")
    assert "Forgotten again: 0" in capsys.readouterr().out
    assert len(erasures()) == 1


# --- The admin action ---


def action(client, user: User, **data):
    body = {"action": "forget_customers", "_selected_action": [user.pk], **data}
    return client.post(reverse("admin:auth_user_changelist"), body, follow=True)


def test_the_action_shows_the_rows_and_forgets_once_confirmed(zebulon, client):
    zebulon.order()
    client.force_login(staff_with("auth.view_user", "privacy.forget_customer"))
    page = action(client, zebulon.user).content.decode()
    assert "<td>orders_order</td><td>1</td>" in page
    assert User.objects.get(pk=zebulon.user.pk).email == EMAIL
    assert (
        f"Account {zebulon.user.pk} is forgotten."
        in action(client, zebulon.user, confirmed="yes").content.decode()
    )
    fire_reminders()
    assert traces(WORDS) == set()


def test_the_action_says_why_a_customer_cannot_be_forgotten(zebulon, client):
    order = zebulon.shop.place()
    client.force_login(staff_with("auth.view_user", "privacy.forget_customer"))
    assert f"{order.number} have not ended" in action(client, zebulon.shop.alice).content.decode()
    answer = action(client, zebulon.shop.alice, confirmed="yes").content.decode()
    assert f"{order.number} have not ended" in answer


def test_without_the_permission_nobody_is_forgotten(zebulon, client):
    zebulon.order()
    client.force_login(staff_with("auth.view_user", "auth.change_user", "auth.delete_user"))
    action(client, zebulon.user, confirmed="yes")
    assert User.objects.get(pk=zebulon.user.pk).email == EMAIL
