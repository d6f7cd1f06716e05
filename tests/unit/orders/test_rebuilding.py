"""Stored orders are held to their events: what differs is found, told, and rebuilt under the order's lock."""

from concurrent.futures import ThreadPoolExecutor
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.utils import timezone

from orders import services
from orders.erasure import NEUTRAL
from orders.models import Order, OrderLine
from orders.queries import differences_from_history
from payments.events import PaymentProcessed
from shop.messaging.consuming import consumer_of
from shop.messaging.models import DeadLetter, EventRecord, Horizon, InboxEntry, ScheduledMessage
from shop.messaging.publishing import publish, unit_of_work
from tests.support.inprocess import deliver
from tests.support.waiting import eventually
from tests.unit.orders.test_following import NEWS, tell

pytestmark = pytest.mark.django_db


def rebuild(*options: str) -> tuple[int, str]:
    """Run the command; return its exit code and output."""
    out = StringIO()
    try:
        call_command("rebuild_orders", *options, stdout=out, no_color=True)
    except SystemExit as end:
        return int(str(end.code)), out.getvalue()
    return 0, out.getvalue()


@pytest.fixture
def paid(order) -> Order:
    """An order that is paid, by the event of another context."""
    tell(order, "paid")
    assert order.status == "paid"
    return order


def damage(order: Order, **columns: object) -> None:
    Order.objects.filter(pk=order.pk).update(**columns)


def differences(order: Order) -> list[str]:
    return dict(differences_from_history()).get(order.pk, [])


def test_an_order_is_what_its_events_make_of_it(paid):
    assert differences(paid) == []
    assert rebuild("--check") == (0, "All orders are what their events make of them.\n")


DAMAGE = {
    "status": "shipped",
    "cancel_reason": "customer",
    "payment_undone": True,
    "stock_undone": True,
    "total": 1,
    "currency": "CHF",
    "serial": 7,
    "customer_name": "Mallory",
    "customer_email": "mallory@example.com",
    "ship_street": "1 Elsewhere",
    "ship_phone": "+1 555 0100",
}


@pytest.mark.parametrize("column", DAMAGE)
def test_a_column_that_differs_is_found_and_set_as_the_events_say(paid, column):
    was = getattr(paid, column)
    damage(paid, **{column: DAMAGE[column]})
    [text] = differences(paid)
    assert text.startswith(column.replace("serial", "number"))
    code, told = rebuild("--check")
    assert (code, text in told) == (1, True)
    assert getattr(Order.objects.get(pk=paid.pk), column) == DAMAGE[column], "--check changes nothing"
    assert rebuild("--repair")[0] == 0
    assert getattr(Order.objects.get(pk=paid.pk), column) == was
    assert rebuild("--repair") == (0, "All orders are what their events make of them.\n")


def test_personal_facts_are_not_told(paid):
    damage(paid, ship_street="1 Elsewhere", customer_name="Mallory")
    _, told = rebuild("--repair")
    assert "ship_street is not as in its events" in told
    assert not {word for word in ("Elsewhere", "Mallory", "Lovelace", paid.ship_street) if word in told}


def test_lines_that_differ_are_set_as_the_events_say(paid):
    OrderLine.objects.filter(order=paid).update(quantity=3)
    assert differences(paid) == ["lines are not as in its events"]
    assert rebuild("--repair")[0] == 0
    assert [(line.sku, line.quantity) for line in OrderLine.objects.filter(order=paid)] == [("TEAPOT", 2)]


def test_a_repair_sets_the_timer_too(paid):
    damage(paid, status="delivered")
    ScheduledMessage.objects.all().delete()
    rebuild("--repair")
    assert ScheduledMessage.objects.get().aggregate_id == paid.pk


def test_an_event_counts_once_orders_has_consumed_it(paid):
    with unit_of_work():
        shipped = publish(NEWS["shipped"](paid.pk))
    assert differences(paid) == []
    damage(paid, status="shipped")
    assert differences(paid) == ["status is 'shipped', and 'paid' by its events"]
    damage(paid, status="paid")
    deliver(shipped, app="orders")
    assert Order.objects.get(pk=paid.pk).status == "shipped"
    assert differences(paid) == []


def an_event_from_before_the_inbox_horizon(order: Order, status: str | None) -> None:
    """Have the payment forgotten by the inbox, or be a dead letter of that status."""
    record = EventRecord.objects.get(aggregate_id=order.pk, type=PaymentProcessed.type)
    consumer = consumer_of("orders", record.type)
    InboxEntry.objects.filter(event_id=record.id).delete()
    Horizon.objects.create(what="inbox", at=timezone.now())
    if status:
        DeadLetter.objects.create(
            status=status, cause="failed", app="orders", consumer=consumer.name, type=record.type, body="{}",
            event_id=record.id, aggregate_id=order.pk,
        )  # fmt: skip


@pytest.mark.parametrize(("status", "counts"), [(None, True), ("discarded", False), ("open", False)])
def test_an_event_that_the_inbox_has_forgotten_counts_unless_it_is_a_dead_letter(paid, status, counts):
    an_event_from_before_the_inbox_horizon(paid, status)
    assert differences(paid) == ([] if counts else ["status is 'paid', and 'placed' by its events"])


def test_what_an_edited_copy_did_is_not_known_and_stays(paid):
    an_event_from_before_the_inbox_horizon(paid, "replaced")
    assert differences(paid) == []
    code, told = rebuild("--repair")
    assert (code, "edited copy" in told) == (1, True)
    assert Order.objects.get(pk=paid.pk).status == "paid"


def test_an_order_without_its_first_event_stays_as_it_is(paid):
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE messaging_eventrecord DISABLE TRIGGER USER")
    EventRecord.objects.filter(aggregate_id=paid.pk, sequence=1).delete()
    code, told = rebuild("--repair")
    assert (code, "does not have its OrderCreated" in told) == (1, True)
    assert Order.objects.get(pk=paid.pk).status == "paid"


def test_an_order_that_is_not_stored_is_told_and_not_invented(paid):
    OrderLine.objects.all().delete()
    paid.delete()
    code, told = rebuild("--repair")
    assert (code, f"{paid.number}: it is in the log, but not stored" in told) == (1, True)
    assert not Order.objects.exists()


def test_erased_columns_are_equal_to_what_they_were(paid):
    damage(paid, **NEUTRAL)
    assert differences(paid) == []


def test_a_note_of_the_doctor_is_in_the_history(paid):
    services.hold_up_order(order_id=paid.pk, seen="paid", reason="books_differ", note="doctor: count it")
    assert differences(paid) == []
    damage(paid, attention_note="")
    assert differences(paid) == ["attention_note is not as in its events"]


def test_what_an_event_from_before_does_not_tell_is_not_judged(paid):
    services.hold_up_order(order_id=paid.pk, seen="paid", reason="books_differ", note="doctor: count it")
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE messaging_eventrecord DISABLE TRIGGER USER")
        cursor.execute(
            "UPDATE messaging_eventrecord SET data = data - 'note' - 'stage' WHERE type LIKE '%%Attention%%'"
        )
    assert differences(paid) == []


def is_waiting_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return cursor.fetchone()[0] > 0


@pytest.mark.django_db(transaction=True)
def test_an_order_is_judged_under_its_lock(paid):
    """A change that commits while the command runs is no difference."""
    damage(paid, status="shipped")

    def rebuild_elsewhere() -> tuple[int, str]:
        try:
            return rebuild("--repair")
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as threads:
        with transaction.atomic():
            damage(paid, status="paid")
            result = threads.submit(rebuild_elsewhere)
            eventually(is_waiting_for_a_lock)
        assert result.result() == (0, "All orders are what their events make of them.\n")


def test_one_of_the_options_is_required():
    with pytest.raises(CommandError, match="required"):
        call_command("rebuild_orders")


def test_many_orders_take_few_statements(place, django_assert_max_num_queries):
    for _ in range(20):
        place()
    with django_assert_max_num_queries(8):
        assert list(differences_from_history()) == []
