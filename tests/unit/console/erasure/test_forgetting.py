"""Forgetting: nothing of a customer is left, and nothing comes back; orders, books and log stay."""

from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import transaction

from console.audit import audit
from console.erasure.erasures_file import erasures
from console.erasure.forgetting import find_customer
from notifications.errors import CustomerWasForgotten
from notifications.models import Notification, Resend
from notifications.services import resend
from orders.models import Order
from payments.events import PaymentFailedV1
from payments.models import Payment
from shipping.models import Shipment
from shop.ids import uuid7
from shop.messaging.event_log import replay, timeline
from shop.messaging.log_proof.verifying import faults
from shop.messaging.models import DeadLetter, DeadLetterAction, EventRecord, InboxEntry, ScheduledMessage
from shop.messaging.publishing import publish
from shop.privacy import data_keys
from shop.privacy.models import DataSubject
from tests.support.inprocess import deliver, deliver_all, fire_reminders, fire_retries
from tests.support.traces import files_with
from tests.unit.console.erasure.conftest import EMAIL, TOKEN, WORDS
from tests.unit.console.erasure.traces import forget, traces

pytestmark = pytest.mark.django_db

PARTS = ("second_line", "region", "phone")
ADDRESS_COLUMNS = {
    *(f"orders_order.ship_{part}" for part in PARTS),
    *(f"{table}.{part}" for table in ("shipping_shipment", "shipping_simulatedlabel") for part in PARTS),
}


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
        *ADDRESS_COLUMNS, "auth_user.last_name", "orders_order.ship_street", "shipping_shipment.street",
        "shipping_simulatedlabel.street", "payments_payment.method", "payments_payment.failure_message",
        "payments_simulatedcharge.token", "notifications_recipient.name",
        "notifications_notification.context",
        "orders_ordernote.text", "orders_ordertag.name",
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


@pytest.mark.django_db(transaction=True)
def test_erasing_a_customer_breaks_no_chain(zebulon):
    zebulon.order()
    forget(zebulon.user)
    assert list(faults()) == []


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


@pytest.mark.parametrize("name", ["username", "email", "pk"])
def test_an_account_goes_by_user_name_address_or_id(zebulon, name):
    assert find_customer(str(getattr(zebulon.user, name))) == zebulon.user


def test_an_address_of_several_accounts_forgets_none_of_them(zebulon):
    User.objects.create_user("another", EMAIL)
    with pytest.raises(CommandError, match="several accounts"):
        call_command("forget_customer", EMAIL)


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
