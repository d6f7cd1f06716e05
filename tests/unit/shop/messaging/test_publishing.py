"""Publishing and scheduling: log, outbox, reminders, deferred writes and the rules of a unit of work."""

import json
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from django.db import DatabaseError, connection, transaction

from orders.events import OrderCancelled, OrderDeadlinePassed
from payments.models import SimulatedCharge
from shop.ids import uuid7
from shop.messaging.contracts import Event, Money
from shop.messaging.errors import NotInTransaction, WrittenTwice
from shop.messaging.models import EventRecord, OutboxEntry, ScheduledMessage
from shop.messaging.outbox import defer_write
from shop.messaging.publishing import publish, unit_of_work
from shop.messaging.scheduling import schedule, unschedule
from shop.messaging.signals import event_published
from shop.messaging.tracing import trace
from shop.postgres.writes import Insert, Update


class CrateOpened(Event, aggregate="crate_id", begins=True):
    crate_id: UUID


class CrateSealed(Event, aggregate="crate_id"):
    crate_id: UUID


class CrateOpenedV2(Event, version=2, aggregate="crate_id", replaces=CrateOpened):
    crate_id: UUID
    seal: str

    @classmethod
    def upcast(cls, old: CrateOpened) -> "CrateOpenedV2":
        return cls(crate_id=old.crate_id, seal="none")


def cancelled(order_id: UUID | None = None) -> OrderCancelled:
    return OrderCancelled(order_id=order_id or uuid7(), number="ORD-1042", reason="customer")


@pytest.mark.django_db(transaction=True)
def test_publish_outside_a_transaction_is_refused():
    with pytest.raises(NotInTransaction, match="open a unit_of_work"):
        publish(cancelled())
    assert not OutboxEntry.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("event", "locks"),
    [(CrateOpened(crate_id=uuid7()), 0), (CrateOpenedV2(crate_id=uuid7(), seal="red"), 0), (cancelled(), 1)],
)
def test_only_with_an_event_that_begins_its_aggregate_nobody_else_can_interfere(event, locks):
    publish(event)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()")
        assert cursor.fetchone() == (locks,)


@pytest.mark.django_db(transaction=True)
def test_what_begins_an_aggregate_fits_into_one_statement_with_its_rows():
    def run(execute, sql, *context):
        ran.append(connection.in_atomic_block)
        return execute(sql, *context)

    ran, charges = [], [SimulatedCharge(pk=f"pi_{n}", key=f"capture:{n}") for n in (7, 8)]
    with connection.execute_wrapper(run), unit_of_work(single_statement=True):
        defer_write(Insert(charges))
        publish(CrateOpened(crate_id=uuid7()))
    assert ran == [False]
    assert list(SimulatedCharge.objects.order_by("pk").values_list("pk", "key")) == [
        ("pi_7", "capture:7"),
        ("pi_8", "capture:8"),
    ]
    assert EventRecord.objects.count() == OutboxEntry.objects.count() == 1
    assert not any(charge._state.adding for charge in charges)


@pytest.mark.django_db(transaction=True)
def test_an_error_in_the_block_leaves_nothing():
    def fail():
        with unit_of_work(single_statement=True):
            defer_write(Insert([SimulatedCharge(pk="pi_7", key="capture:7")]))
            publish(CrateOpened(crate_id=uuid7()))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert not SimulatedCharge.objects.exists()
    assert not OutboxEntry.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_statement_in_the_block_that_would_be_committed_by_itself_is_refused():
    alone = unit_of_work(single_statement=True)
    with pytest.raises(NotInTransaction, match=r"by itself.*INSERT INTO"), alone:
        SimulatedCharge.objects.create(key="capture:7")
    assert not SimulatedCharge.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_with_another_receiver_it_is_a_transaction_that_this_one_may_undo():
    def refuse(event, **kwargs):
        SimulatedCharge.objects.create(key="capture:9")
        raise RuntimeError

    event_published.connect(refuse)
    try:
        with pytest.raises(RuntimeError), unit_of_work(single_statement=True):
            publish(CrateOpened(crate_id=uuid7()))
    finally:
        event_published.disconnect(refuse)
    assert not SimulatedCharge.objects.exists()
    assert not OutboxEntry.objects.exists()


@pytest.mark.django_db
def test_a_deferred_write_outside_a_unit_of_work_is_written_at_once():
    defer_write(Insert([SimulatedCharge(pk="pi_7", key="capture:7")]))
    assert SimulatedCharge.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_deferred_write_needs_a_transaction():
    with pytest.raises(NotInTransaction, match="open a unit_of_work"):
        defer_write(Insert([SimulatedCharge(pk="pi_7", key="capture:7")]))
    assert not SimulatedCharge.objects.exists()


@pytest.mark.django_db
def test_a_deferred_write_is_undone_with_its_savepoint():
    @transaction.atomic
    def write_and_fail():
        defer_write(Insert([SimulatedCharge(pk="pi_7", key="capture:7")]))
        raise ZeroDivisionError

    with unit_of_work(), pytest.raises(ZeroDivisionError):
        write_and_fail()
    assert not SimulatedCharge.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("inner", [nullcontext, transaction.atomic])  # in a savepoint it is written at once
def test_a_table_has_one_deferred_write_lest_a_change_is_lost(inner):
    def write_twice():
        defer_write(Update([charge], ["amount"]))
        with inner():
            defer_write(Update([charge], ["message"]))

    charge = SimulatedCharge.objects.create(key="capture:7")
    with pytest.raises(WrittenTwice, match="payments_simulatedcharge"), unit_of_work():
        write_twice()


@pytest.mark.django_db
def test_a_published_event_is_in_log_and_outbox_under_one_name():
    event = publish(cancelled())

    record, entry = EventRecord.objects.get(), OutboxEntry.objects.get()
    assert record.type == entry.type == "orders.OrderCancelled.v1"
    assert record.id == entry.message_id == event.meta.id
    assert record.data == {"order_id": str(event.order_id), "number": "ORD-1042", "reason": "customer"}
    wire = json.loads(entry.body)
    assert wire["data"] == record.data
    assert wire["type"] == record.type
    assert wire["subject"] == str(event.order_id)


@pytest.mark.django_db(transaction=True)
def test_an_event_is_undone_with_its_transaction():
    def publish_and_fail() -> None:
        publish(cancelled())
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), transaction.atomic():
        publish_and_fail()
    assert not EventRecord.objects.exists()
    assert not OutboxEntry.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_receiver_of_the_signal_runs_inside_the_transaction():
    def refuse(event: Event, **kwargs: object) -> None:
        assert connection.in_atomic_block
        raise RuntimeError("not today")

    event_published.connect(refuse, sender=OrderCancelled)
    try:
        with pytest.raises(RuntimeError, match="not today"), transaction.atomic():
            publish(cancelled())
    finally:
        event_published.disconnect(refuse, sender=OrderCancelled)
    assert not EventRecord.objects.exists()


@pytest.mark.django_db
def test_events_of_an_aggregate_are_numbered_without_gaps():
    order, other = uuid7(), uuid7()
    for order_id in (order, other, order, order):
        publish(cancelled(order_id))
    numbers = EventRecord.objects.order_by("position").values_list("aggregate_id", "sequence")
    assert list(numbers) == [(order, 1), (other, 1), (order, 2), (order, 3)]


@pytest.mark.django_db
def test_what_begins_an_aggregate_may_be_followed_in_the_same_statement():
    crate, order = uuid7(), uuid7()
    with unit_of_work():
        for event in (CrateOpened(crate_id=crate), CrateSealed(crate_id=crate), cancelled(order)):
            publish(event)
    numbers = EventRecord.objects.order_by("position").values_list("aggregate_id", "sequence")
    assert list(numbers) == [(crate, 1), (crate, 2), (order, 1)]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE messaging_eventrecord SET type = 'x'",
        "DELETE FROM messaging_eventrecord",
        "TRUNCATE messaging_eventrecord",
    ],
)
def test_the_log_refuses_to_be_changed(statement):
    publish(cancelled())
    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)
    assert EventRecord.objects.count() == 1


@pytest.mark.django_db
def test_all_that_one_request_sets_off_shares_a_correlation():
    started = trace.begin("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
    with trace.using(started):
        first, second = publish(cancelled()), publish(cancelled())
    assert first.meta.correlation_id == second.meta.correlation_id == started.correlation_id
    assert first.meta.traceparent == "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.mark.django_db
def test_scheduling_a_reminder_again_moves_it():
    order, noon = uuid7(), datetime(2026, 12, 24, 12, tzinfo=UTC)
    schedule(OrderDeadlinePassed(order_id=order, step="payment"), at=noon)
    schedule(OrderDeadlinePassed(order_id=order, step="stock"), at=noon + timedelta(hours=1))

    reminder = ScheduledMessage.objects.get()
    assert reminder.due_at == noon + timedelta(hours=1)
    assert json.loads(reminder.body)["data"]["step"] == "stock"


@pytest.mark.django_db
def test_a_reminder_is_neither_logged_nor_published():
    schedule(OrderDeadlinePassed(order_id=uuid7(), step="payment"), at=datetime.now(UTC))
    assert not EventRecord.objects.exists()
    assert not OutboxEntry.objects.exists()
    with pytest.raises(TypeError, match="schedule"):
        publish(OrderDeadlinePassed(order_id=uuid7(), step="payment"))


@pytest.mark.django_db
def test_an_unscheduled_reminder_is_gone():
    order = uuid7()
    schedule(OrderDeadlinePassed(order_id=order, step="payment"), at=datetime.now(UTC))
    unschedule(OrderDeadlinePassed, order)
    assert not ScheduledMessage.objects.exists()


def test_money_is_text_on_the_wire():
    assert Money(amount="49.9", currency="EUR").model_dump_json() == '{"amount":"49.90","currency":"EUR"}'
