"""The audit holds for a healthy shop, and reports damage of orders, messages and deliveries."""

from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.models import F

from console.audit import audit
from inventory.models import Product
from notifications.models import Notification
from orders.events import OrderCancelled
from orders.models import Order
from payments.models import Payment, SimulatedCharge
from shop.ids import uuid7
from shop.messaging.consuming import failures
from shop.messaging.models import DeadLetter, EventRecord, InboxEntry, OutboxEntry, ScheduledMessage
from shop.messaging.publishing import publish
from tests.unit.console.audit.findings import found, says, unlock_log

pytestmark = pytest.mark.usefixtures("in_a_transaction")


def test_a_healthy_shop_has_no_violations(orders):
    report = audit()
    assert [str(violation) for violation in report.violations] == []
    assert report.orders == {"delivered": 1, "shipped": 1, "cancelled": 3, "needs_attention": 1}
    assert report.notes == ["orders that need attention: 1"]
    assert report.kept["EUR"] == report.shipped["EUR"] == 2 * orders["delivered"].total


def test_an_accepted_order_that_is_not_in_the_log(orders):
    unlock_log()
    EventRecord.objects.filter(aggregate_id=orders["declined"].pk, type="orders.OrderCreated.v2").delete()
    assert found() >= says(orders["declined"], "log", "OrderCreated is in the log 0 ×")


def test_an_order_that_is_not_what_its_events_make_of_it(orders):
    Order.objects.filter(pk=orders["shipped"].pk).update(payment_undone=True, customer_name="Mallory")
    assert found() == says(
        orders["shipped"], "history", "payment_undone is 'True', and 'False' by its events"
    ) | says(orders["shipped"], "history", "customer_name is not as in its events")


def test_something_that_happened_twice(orders):
    publish(OrderCancelled(order_id=orders["cancelled"].pk, number="ORD-1", reason="customer"))
    assert found() >= says(orders["cancelled"], "log", "OrderCancelled is in the log 2 ×")


def test_an_order_that_nobody_accepted():
    order_id = uuid7()
    Payment.objects.create(
        order_id=order_id, idempotency_key="capture:x", amount=5, currency="EUR", state="succeeded"
    )
    assert f"log order {order_id}: was never accepted, though other contexts know of it" in found()


def test_a_status_that_does_not_exist(orders):
    with connection.cursor() as cursor:
        cursor.execute("SELECT conname FROM pg_constraint WHERE conrelid = 'orders_order'::regclass"
                       " AND pg_get_constraintdef(oid) LIKE '%status%'")  # fmt: skip
        for (name,) in cursor.fetchall():
            cursor.execute(f'ALTER TABLE orders_order DROP CONSTRAINT "{name}"')
    Order.objects.filter(pk=orders["shipped"].pk).update(status="lost")
    assert found() >= says(orders["shipped"], "status", "its status 'lost' is none")


def test_a_status_that_the_log_contradicts(orders):
    Order.objects.filter(pk=orders["shipped"].pk).update(status="delivered")
    Order.objects.filter(pk=orders["cancelled"].pk).update(status="paid")
    Order.objects.filter(pk=orders["delivered"].pk).update(status="shipped")
    violations = found()
    assert violations >= says(
        orders["shipped"], "status", "it is delivered, but nobody published OrderDelivered"
    )
    assert violations >= says(
        orders["cancelled"], "status", "it is paid, and OrderCancelled is in the log 1 ×"
    )
    assert violations >= says(
        orders["delivered"], "status", "it is shipped, though OrderDelivered is consumed"
    )


def test_a_message_that_is_missing(orders):
    Notification.objects.filter(order_id=orders["delivered"].pk, kind="shipped").delete()
    assert found() == says(orders["delivered"], "message", "the message shipped is missing")


def test_a_message_about_what_did_not_happen(orders):
    Notification.objects.filter(order_id=orders["shipped"].pk, kind="shipped").update(kind="refunded")
    assert found() == says(orders["shipped"], "message", "the message shipped is missing") | says(
        orders["shipped"], "message", "the message refunded tells of what did not happen"
    )


def test_a_message_twice(orders):
    with connection.cursor() as cursor:
        cursor.execute(
            "ALTER TABLE notifications_notification DROP CONSTRAINT one_notification_per_order_kind_topic"
        )
    row = Notification.objects.get(order_id=orders["shipped"].pk, kind="shipped")
    row.pk, row.message_id = uuid7(), "<another@example.com>"
    row.save(force_insert=True)
    assert found() == says(orders["shipped"], "message", "2 messages shipped")


def test_a_message_that_nobody_sends(orders):
    Notification.objects.filter(order_id=orders["shipped"].pk, kind="shipped").update(state="sending")
    assert found() == says(orders["shipped"], "message", "the message shipped is still sending")


def test_a_message_to_a_bad_address_breaks_no_rule(orders):
    Notification.objects.filter(order_id=orders["shipped"].pk).update(state="failed")
    assert found() == set()


def test_an_event_that_a_consumer_missed(orders):
    consumer = "analytics.when_order_shipped_count_it"
    entries = InboxEntry.objects.filter(consumer=consumer)
    assert entries.count() == 2
    entries.delete()
    (violation,) = found()
    assert violation.startswith(f"inbox {consumer}: events not consumed: 2, as shipping.OrderShipped.v2 of")


def test_an_order_under_way_is_only_held_to_what_must_always_be(orders):
    OutboxEntry.objects.all().delete()
    order = orders["shipped"]
    InboxEntry.objects.filter(consumer__startswith="notifications.").delete()
    Notification.objects.filter(order_id=order.pk).delete()
    SimulatedCharge.objects.filter(key=f"capture:{order.pk}").update(amount=1)
    assert {violation.split()[0] for violation in found()} == {"inbox"}


def test_what_waits_is_a_violation_only_when_all_should_be_idle(orders):
    OutboxEntry.objects.create(shard=1, message_id=uuid7(), type="orders.OrderCreated.v2", body="{}")
    assert found() == set()
    assert "unpublished events: 1" in audit().notes
    assert found(idle=True) == {"idle backlog: unpublished events: 1"}


def test_an_order_that_nothing_will_ever_move(orders):
    ScheduledMessage.objects.all().delete()
    Order.objects.filter(pk=orders["shipped"].pk).update(status="paid")
    text = "it is paid, and nothing will ever move it"
    assert says(orders["shipped"], "idle", text) <= found(idle=True)
    assert not says(orders["shipped"], "idle", text) & found()


def test_open_dead_letters_are_told(orders):
    DeadLetter.objects.create(cause="failed", app="orders", body="{}", error_type="ValueError", error="no")
    report = audit()
    assert report.holds
    assert "open dead letters: 1" in report.notes


def test_the_command_prints_a_line_each_and_exits_with_1(orders):
    out = StringIO()
    call_command("audit", stdout=out)
    assert "All invariants hold." in out.getvalue()
    assert "Audited 6 orders (3 cancelled, 1 delivered, 1 needs_attention, 1 shipped), 24 products" in (
        out.getvalue()
    )

    Product.objects.filter(sku="MUG").update(available=F("available") + 1)
    Notification.objects.filter(order_id=orders["delivered"].pk, kind="shipped").delete()
    out = StringIO()
    with pytest.raises(SystemExit) as exit_:
        call_command("audit", stdout=out)
    assert exit_.value.code == 1
    assert "stock    MUG: 179 are on hand" in out.getvalue()
    assert f"message  {orders['delivered'].number}: the message shipped is missing" in out.getvalue()
    assert "Violations: 2" in out.getvalue()


CHARGES = "payments.when_order_created_charge_customer"


def test_what_was_consumed_and_is_not_in_the_log_is_reported():
    forged = InboxEntry.objects.create(event_id=uuid7(), consumer=CHARGES)
    message = f"consumed events that the log does not have: 1, as {forged.event_id}"
    assert found() == {f"origin {CHARGES}: {message}"}


def test_timers_and_edited_copies_are_not_in_the_log_and_may_be_consumed():
    letter = DeadLetter.objects.create(cause="failed", app="payments", body="{}", error_type="E", error="e")
    copy = InboxEntry.objects.create(event_id=uuid7(), consumer=CHARGES)
    letter.actions.create(action="edit", by="olga", copy_id=copy.event_id)
    InboxEntry.objects.create(event_id=uuid7(), consumer="shipping.when_tracking_due_ask_carrier")
    assert found() == set()


def test_a_consumption_that_the_inbox_has_forgotten_is_not_missed():
    InboxEntry.objects.all().delete()
    assert not [one for one in found() if one.startswith("origin")]


def test_forged_messages_are_noted(settings):
    failures.dead_letter_forged(app="payments", body="{}")
    assert "forged messages among them: 1" in audit().notes
