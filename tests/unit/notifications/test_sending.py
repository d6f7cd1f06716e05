"""Each message goes out once per order and kind, whatever comes twice, early or at the same time."""

import json
from threading import Thread
from types import SimpleNamespace

import psycopg
import pytest
from django.db import InternalError, OperationalError, connection

from notifications import channels, consumers, ledger, services, simulator  # noqa: F401 - registers the consumers
from notifications.errors import DeliveryPostponed
from notifications.locks import sole_sender
from notifications.models import Kind, Notification, Recipient, State
from shop.messaging import cloudevents, runner
from shop.messaging.consuming import consumer_of
from shop.messaging.ids import uuid7
from shop.messaging.models import DeadLetter, InboxEntry, OutboxEntry, ScheduledMessage
from tests.support.inprocess import deliver, fire_retries
from tests.unit.notifications.backends import Crash, NeverAnswers, TakesItsTimeByTheClock
from tests.unit.notifications.facts import life_of, order_created, published

pytestmark = pytest.mark.django_db(transaction=True)

BACKENDS = "tests.unit.notifications.backends."


def deliver_together(events):
    """Deliver as one micro-batch to the consumer that notifications has for them."""
    bodies = [json.loads(cloudevents.encode(event)) for event in events]
    runner.run(consumer_of("notifications", events[0].type), bodies, [{}] * len(bodies))


def orders(how_many, **facts):
    return [published(order_created(f"ORD-{n}", **facts)) for n in range(how_many)]


def known_recipients(how_many):
    """Ids of orders whose customers are known, in the order of their messages."""
    people = [
        Recipient(order_id=uuid7(), number=f"ORD-{n}", name="Alice Liddell", email="alice@example.com")
        for n in range(how_many)
    ]
    services.remember_recipients(recipients=people)
    return [person.order_id for person in people]


def states():
    return sorted(Notification.objects.values_list("state", flat=True))


def waiting(kind):
    return ScheduledMessage.objects.filter(kind=kind).count()


def test_a_customer_hears_of_every_turn_of_an_order_once(mail):
    created = published(order_created())
    deliver(created, "notifications")
    for event in life_of(created.order_id):
        deliver(published(event), "notifications")

    ledger = Notification.objects.order_by("id")
    assert [row.kind for row in ledger] == [
        Kind.ORDER_RECEIVED,
        Kind.PAYMENT_RECEIVED,
        Kind.PAYMENT_FAILED,
        Kind.REFUNDED,
        Kind.SHIPPED,
        Kind.DELIVERED,
        Kind.CANCELLATION_REJECTED,
        Kind.CANCELLED,
    ]
    assert {row.state for row in ledger} == {State.SENT}
    assert mail.subjects == [row.subject for row in ledger]
    assert [m["Message-ID"].strip() for m in mail.mails] == [row.message_id for row in ledger]
    assert {m["To"] for m in mail.mails} == {"Alice Liddell <alice@example.com>"}


def test_an_event_that_comes_twice_sends_one_message(mail):
    created = published(order_created())
    deliver(created, "notifications")
    deliver(created, "notifications")
    deliver_together([created, created])

    assert len(mail.mails) == 1
    assert InboxEntry.objects.count() == 1


def test_two_events_of_one_kind_about_an_order_send_one_message(mail):
    created = published(order_created())
    deliver(created, "notifications")
    shipped = life_of(created.order_id)[3]
    deliver_together([published(shipped), published(shipped)])

    assert Notification.objects.filter(kind=Kind.SHIPPED).count() == 1
    assert mail.subjects.count("Your order ORD-1042 is on its way") == 1


def test_a_batch_goes_out_over_one_connection(mail):
    deliver_together(orders(20))

    assert len(mail.mails) == 20
    assert mail.connections == 1
    assert Notification.objects.filter(state=State.SENT, attempts=1).count() == 20


def test_a_batch_takes_few_statements_and_one_a_portion(
    django_assert_num_queries,
):
    few, many = orders(2), orders(40)
    with django_assert_num_queries(10 + 1):
        deliver_together(few)
    with django_assert_num_queries(10 + (40 // services.PORTION)):
        deliver_together(many)


def test_an_event_before_its_order_is_parked_and_then_sent(mail):
    created = published(order_created())
    payment = published(life_of(created.order_id)[0])
    deliver(payment, "notifications")
    assert waiting(ScheduledMessage.Kind.PARKED) == 1
    assert mail.mails == []

    deliver(created, "notifications")
    deliver(payment, "notifications")
    assert mail.subjects == [
        "We have received your order ORD-1042",
        "Payment received for your order ORD-1042",
    ]


def test_only_the_early_events_of_a_batch_are_parked(mail):
    known, unknown = orders(2)
    deliver(known, "notifications")
    deliver_together([published(life_of(order.order_id)[0]) for order in (known, unknown)])

    assert "Payment received for your order ORD-0" in mail.subjects
    assert ScheduledMessage.objects.get().aggregate_id == unknown.order_id


def test_the_recipient_is_remembered_before_anything_is_sent():
    simulator.take_down()
    deliver(published(order_created()), "notifications")

    assert Recipient.objects.get().email == "alice@example.com"


def test_a_mail_server_that_is_down_loses_nothing(mail):
    events = orders(3)
    simulator.take_down()
    deliver_together(events)

    assert states() == ["queued", "queued", "queued"]
    assert "mail server is down" in Notification.objects.first().last_error
    assert InboxEntry.objects.count() == 0
    assert waiting(ScheduledMessage.Kind.RETRY) == 3

    simulator.bring_up()
    OutboxEntry.objects.all().delete()  # the other apps' copies are not of interest here
    fire_retries()
    assert sorted(mail.subjects) == [f"We have received your order ORD-{n}" for n in range(3)]
    assert Notification.objects.filter(state=State.SENT, last_error="").count() == 3
    assert not DeadLetter.objects.exists()


def test_what_went_out_before_the_connection_broke_is_not_sent_again(mail, settings):
    settings.EMAIL_BACKEND = BACKENDS + "HangsUpAfterTwo"
    events = orders(5)
    deliver_together(events)  # the batch breaks off after two; the rest follows one by one

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


def test_whatever_a_mail_server_answers_is_put_down_and_no_message_sent_twice(mail, monkeypatch):
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

    assert states() == ["sent"] * (25 - 25 % services.PORTION)

    settings.EMAIL_BACKEND = calm
    deliver_together(events)
    assert states() == ["sent"] * 40
    assert len(mail.mails) == 40 + 25 % services.PORTION


def test_a_crash_at_the_end_of_a_batch_sends_only_the_last_few_messages_again(mail, settings):
    events = orders(25)
    calm, settings.EMAIL_BACKEND = settings.EMAIL_BACKEND, BACKENDS + "CrashesAfterTaking25"
    with pytest.raises(Crash):
        deliver_together(events)

    settings.EMAIL_BACKEND = calm
    deliver_together(events)
    assert len(mail.mails) == 25 + 25 % services.PORTION


def test_a_database_that_takes_no_rows_has_nothing_sent(mail):
    """It would go out again at every attempt, for nothing tells that it has."""
    created = published(order_created())
    deliver(created, "notifications")
    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_read_only = on")
    try:
        with pytest.raises(InternalError, match="read-only"):
            services.send_messages(kind=Kind.SHIPPED, contexts={created.order_id: {}})
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SET default_transaction_read_only = off")
    assert mail.subjects == ["We have received your order ORD-1042"]


def test_where_the_connection_breaks_the_rest_of_the_batch_waits_with_the_reason(settings):
    settings.EMAIL_BACKEND = BACKENDS + "HangsUpAfterTwo"
    with pytest.raises(ConnectionResetError):
        services.send_messages(kind=Kind.SHIPPED, contexts={order_id: {} for order_id in known_recipients(4)})

    assert list(Notification.objects.order_by("id").values_list("state", "attempts", "last_error")) == [
        *[("sent", 1, "")] * 2,
        *[("queued", 1, "ConnectionResetError: the mail server hung up")] * 2,
    ]


def test_what_a_slow_mail_server_leaves_waits_with_the_reason(monkeypatch, settings):
    monkeypatch.setattr(channels, "PATIENCE", 0.0)
    with pytest.raises(DeliveryPostponed, match="2 of 3 messages are left"):
        services.send_messages(kind=Kind.SHIPPED, contexts={order_id: {} for order_id in known_recipients(3)})

    assert states() == ["queued", "queued", "sent"]
    assert "slow" in Notification.objects.filter(state=State.QUEUED)[0].last_error


@pytest.mark.parametrize("state", State.unsent())
def test_what_is_written_down_and_not_sent_goes_out_as_it_was_written(mail, state):
    """Also what an earlier version of this code left: it wrote all messages down before it sent any."""
    (order_id,) = known_recipients(1)
    services.send_messages(kind=Kind.SHIPPED, contexts={order_id: {"carrier": "UPS", "tracking_number": "1"}})
    Notification.objects.update(state=state, sent_at=None, email="old@example.com", last_error="down")
    services.send_messages(kind=Kind.SHIPPED, contexts={order_id: {"carrier": "DHL", "tracking_number": "2"}})

    row = Notification.objects.get()
    assert (row.state, row.attempts, row.last_error, row.context["carrier"]) == ("sent", 2, "", "UPS")
    assert row.sent_at
    assert mail.mails[1]["To"] == "Alice Liddell <old@example.com>"
    assert "UPS has your parcel" in str(mail.mails[1])


def test_what_is_sent_stays_so_whatever_is_put_down_later(mail):
    deliver(published(order_created()), "notifications")
    late = Notification.objects.get()
    late.state, late.last_error = State.QUEUED, "Too late"
    ledger.put_down([late])

    assert Notification.objects.get().state == State.SENT


def test_two_workers_with_the_same_event_send_one_message(mail, settings):
    settings.EMAIL_BACKEND = BACKENDS + "TakesItsTime"
    event = published(order_created())

    def work():
        deliver(event, "notifications")
        connection.close()

    workers = [Thread(target=work) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(mail.mails) == 1
    assert Notification.objects.get().attempts == 1
    assert InboxEntry.objects.count() == 1


def test_who_gives_up_waiting_for_another_sender_hinders_nobody():
    mine, theirs = sorted(uuid7() for _ in range(2))
    with psycopg.connect(**connection.get_connection_params(), autocommit=True) as rival:
        rival.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [f"notifications:shipped:{theirs}"])
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = 200")
        with pytest.raises(OperationalError, match="timeout"), sole_sender(Kind.SHIPPED, [theirs, mine]):
            pytest.fail("it is the rival's")

        name = f"notifications:shipped:{mine}"
        free = rival.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [name]).fetchone()
    connection.close()  # with its timeout
    assert free == (True,)


def test_two_workers_with_overlapping_batches_send_each_message_once(mail, settings):
    settings.EMAIL_BACKEND = BACKENDS + "TakesItsTime"
    events = orders(4)

    def work(batch):
        deliver_together(batch)
        connection.close()

    workers = [Thread(target=work, args=[batch]) for batch in (events[:3], events[:0:-1])]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(mail.subjects) == [f"We have received your order ORD-{n}" for n in range(4)]
    assert InboxEntry.objects.count() == 4


def test_a_slow_mail_server_gets_the_rest_of_the_batch_later(mail, monkeypatch, settings):
    monkeypatch.setattr(channels, "PATIENCE", 0.3)
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
