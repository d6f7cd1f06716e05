"""Sending: each message is sent once per order and kind, despite duplicates, early events and races."""

from threading import Thread

import psycopg
import pytest
from django.db import InternalError, OperationalError, connection

from notifications import repository, services, simulator
from notifications.models import WHOLE_ORDER, Kind, Notification, Recipient, State
from notifications.send_lock import send_locks
from payments.events import PaymentRefunded
from shipping.events import OrderReshipped, OrderShipped
from shop.ids import uuid7
from shop.messaging.consuming.fence import local_fence
from shop.messaging.models import InboxEntry, ScheduledMessage
from tests.support.inprocess import deliver
from tests.unit.notifications.facts import goods_received, later_events, order_created, published
from tests.unit.notifications.support import BACKENDS, deliver_together, known_recipients, orders, waiting

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_customer_hears_of_every_turn_of_an_order_once(mail):
    created = published(order_created())
    deliver(created, "notifications")
    for event in later_events(created.order_id):
        deliver(published(event), "notifications")

    messages = Notification.objects.order_by("id")
    assert [row.kind for row in messages] == [
        Kind.ORDER_RECEIVED,
        Kind.PAYMENT_RECEIVED,
        Kind.PAYMENT_ACTION_REQUIRED,
        Kind.PAYMENT_DECLINED,
        Kind.AWAITING_STOCK,
        Kind.PAYMENT_FAILED,
        Kind.REFUNDED,
        Kind.SHIPPED,
        Kind.SHIPPED_AGAIN,
        Kind.DELIVERED,
        Kind.CANCELLATION_REJECTED,
        Kind.CANCELLED,
        Kind.RETURN_REQUESTED,
        Kind.RETURN_APPROVED,
        Kind.RETURN_REJECTED,
        Kind.RETURN_RECEIVED,
        Kind.RETURN_CANCELLED,
        Kind.RETURN_EXPIRED,
    ]
    assert {row.state for row in messages} == {State.SENT}
    assert mail.subjects == [row.subject for row in messages]
    assert [m["Message-ID"].strip() for m in mail.mails] == [row.message_id for row in messages]
    assert {m["To"] for m in mail.mails} == {"Alice Liddell <alice@example.com>"}


def test_an_event_that_comes_twice_sends_one_message(mail):
    created = published(order_created())
    deliver(created, "notifications")
    deliver(created, "notifications")
    deliver_together([created, created])

    assert len(mail.mails) == 1
    assert InboxEntry.objects.count() == 1


def test_each_receipt_of_a_return_is_told(mail):
    created = published(order_created())
    deliver(created, "notifications")
    return_id = uuid7()
    receipts = [published(goods_received(created.order_id, return_id)) for _ in range(2)]
    for event in (*receipts, *receipts):
        deliver(event, "notifications")

    assert len(mail.mails) == 3
    assert Notification.objects.filter(kind=Kind.RETURN_RECEIVED).count() == 2


@pytest.mark.parametrize("kind", [Kind.REFUNDED, Kind.SHIPPED_AGAIN])
def test_each_refund_and_each_parcel_that_is_sent_again_is_told_once(mail, kind):
    created = published(order_created())
    deliver(created, "notifications")
    told = {Kind.REFUNDED: PaymentRefunded, Kind.SHIPPED_AGAIN: OrderReshipped}[kind]
    twice = [
        published(event)
        for _ in range(2)
        for event in later_events(created.order_id)
        if isinstance(event, told)
    ]
    for event in (*twice, *twice, *map(published, twice)):
        deliver(event, "notifications")

    rows = Notification.objects.filter(kind=kind)
    assert len(mail.mails) == 3
    assert {row.about for row in rows} == {getattr(e, "refund_id", None) or e.shipment_id for e in twice}


def test_messages_of_one_kind_about_several_parts_of_an_order_are_sent_once_each(mail):
    (order_id,) = known_recipients(1)
    context = {"carrier": "UPS", "tracking_number": "1"}
    parts = uuid7(), uuid7()
    for about in (*parts, *parts):
        services.send_messages(kind=Kind.SHIPPED, contexts={order_id: context}, about=about)
    services.send_messages(kind=Kind.SHIPPED, contexts={order_id: context})

    assert len(mail.mails) == len({m["Message-ID"] for m in mail.mails}) == 3
    assert set(Notification.objects.values_list("about", flat=True)) == {*parts, WHOLE_ORDER}


def test_two_events_of_one_kind_about_an_order_send_one_message(mail):
    created = published(order_created())
    deliver(created, "notifications")
    (shipped,) = (event for event in later_events(created.order_id) if isinstance(event, OrderShipped))
    deliver_together([published(shipped), published(shipped)])

    assert Notification.objects.filter(kind=Kind.SHIPPED).count() == 1
    assert mail.subjects.count("Your order ORD-1042 is on its way") == 1


def test_a_batch_goes_out_over_one_connection(mail):
    deliver_together(orders(20))

    assert len(mail.mails) == 20
    assert mail.connections == 1
    assert Notification.objects.filter(state=State.SENT, attempts=1).count() == 20


def test_a_batch_takes_few_statements_and_one_a_chunk(django_assert_num_queries):
    few, many = orders(2), orders(40)
    local_fence.read()  # which a process does once a connection; another test's may have ended
    with django_assert_num_queries(11 + 1):
        deliver_together(few)
    with django_assert_num_queries(11 + (40 // services.CHUNK)):
        deliver_together(many)


def test_an_event_before_its_order_is_deferred_and_then_sent(mail):
    created = published(order_created())
    payment = published(later_events(created.order_id)[0])
    deliver(payment, "notifications")
    assert waiting(ScheduledMessage.Kind.DEFERRED) == 1
    assert mail.mails == []

    deliver(created, "notifications")
    deliver(payment, "notifications")
    assert mail.subjects == [
        "We have received your order ORD-1042",
        "Your payment for order ORD-1042",
    ]


def test_only_the_early_events_of_a_batch_are_deferred(mail):
    known, unknown = orders(2)
    deliver(known, "notifications")
    deliver_together([published(later_events(order.order_id)[0]) for order in (known, unknown)])

    assert "Your payment for order ORD-0" in mail.subjects
    assert ScheduledMessage.objects.get().aggregate_id == unknown.order_id


def test_the_recipient_is_remembered_before_anything_is_sent():
    simulator.take_down()
    deliver(published(order_created()), "notifications")

    assert Recipient.objects.get().email == "alice@example.com"


def test_a_database_that_takes_no_rows_has_nothing_sent(mail):
    """Otherwise it would be sent again at every attempt, as no row shows that it was."""
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


@pytest.mark.parametrize("state", State.unsent())
def test_a_stored_message_that_is_not_sent_goes_out_as_it_was_stored(mail, state):
    """Earlier versions stored all messages before they sent the first."""
    (order_id,) = known_recipients(1)
    services.send_messages(kind=Kind.SHIPPED, contexts={order_id: {"carrier": "UPS", "tracking_number": "1"}})
    Notification.objects.update(state=state, sent_at=None, email="old@example.com", last_error="down")
    services.send_messages(kind=Kind.SHIPPED, contexts={order_id: {"carrier": "DHL", "tracking_number": "2"}})

    row = Notification.objects.get()
    assert (row.state, row.attempts, row.last_error, row.context["carrier"]) == ("sent", 2, "", "UPS")
    assert row.sent_at
    assert mail.mails[1]["To"] == "Alice Liddell <old@example.com>"
    assert "UPS has your parcel" in str(mail.mails[1])


def test_a_sent_message_stays_sent_whatever_is_stored_later(mail):
    deliver(published(order_created()), "notifications")
    late = Notification.objects.get()
    late.state, late.last_error = State.QUEUED, "Too late"
    repository.store([late])

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
        with pytest.raises(OperationalError, match="timeout"), send_locks(Kind.SHIPPED, [theirs, mine]):
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
