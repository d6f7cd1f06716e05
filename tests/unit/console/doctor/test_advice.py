"""Differing figures are rebuilt; differences of money, stock and messages are left to people."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.db.models import F

from console.audit import audit
from inventory.models import Product
from inventory.services import recount_stock
from notifications.models import Notification
from orders.events import OrderResumed
from orders.models import Order
from orders.services import resume_order, settle_order
from payments.models import SimulatedCharge
from shop.ids import uuid7
from shop.messaging.models import DeadLetter, InboxEntry, OutboxEntry
from shop.messaging.publishing import publish, unit_of_work
from tests.support.inprocess import deliver_all
from tests.unit.console.damage import repair, states, status_of


@pytest.fixture(autouse=True)
def unhurried(shop, settings):
    """Prevent parcels and refunds from moving by themselves."""
    settings.SHOP_TRACKING_INTERVAL = settings.SHOP_REFUND_CHECK_INTERVAL = timedelta(days=1)


def execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def test_stock_that_its_ledger_does_not_explain_is_not_changed_but_recounted_by_a_person(shop):
    shop.delivered()
    Product.objects.filter(sku="MUG").update(available=F("available") + 1)
    result = repair()
    assert states(result) == {("stock", "left")}
    finding, outcome = result.outcomes[0]
    assert finding.message.startswith("180 are on hand, but 179 should be")
    assert outcome.message.startswith("count MUG")
    assert Product.objects.get(sku="MUG").available == 180

    recount_stock(sku="MUG", counted=178, reason="counted after a check-up", actor="olga")
    assert Product.objects.get(sku="MUG").available == 178
    deliver_all()
    assert repair().outcomes == []


def test_a_shipped_order_whose_money_differs_needs_attention_with_the_numbers(shop):
    order = shop.shipped()
    SimulatedCharge.objects.update(captured=Decimal("1.00"))
    assert states(repair()) == {("money", "handed over")}
    order.refresh_from_db()
    assert (order.status, order.attention_reason) == ("needs_attention", "books_differ")
    assert "1.00 and 0.00 by the provider's" in order.attention_note

    deliver_all()
    resume_order(order_id=order.pk)
    deliver_all()
    assert states(repair()) == {("money", "left")}, "the operator has seen it"
    shop.run_to_end()
    assert status_of(order) == "delivered"


@pytest.mark.parametrize("outcome", ["delivered", "refused_by_carrier"])
def test_an_order_that_is_over_stays_as_it_is_whatever_its_books_say(shop, outcome):
    order = getattr(shop, outcome)()
    before = Order.objects.values().get()
    SimulatedCharge.objects.update(captured=Decimal("1.00"))
    assert states(repair()) == {("money", "left")}
    assert Order.objects.values().get() == before, order


@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM analytics_orderfact",
        "UPDATE analytics_orderfact SET shipped_at = NULL",
        "UPDATE analytics_orderfact SET cancelled_at = now()",
        "UPDATE analytics_orderfact SET number = ''",
        "UPDATE analytics_orderfact SET total = total + 1",
        "UPDATE analytics_orderfact SET skus = '[]'",
        "UPDATE analytics_orderfact SET held_up_at = now(), held_up_in = 'shipped', delivered_at = NULL",
        "UPDATE analytics_dailysales SET orders_placed = orders_placed + 1",
        "UPDATE analytics_dailysales SET revenue_captured = 0",
        "UPDATE analytics_productsales SET quantity_sold = 0",
        "DELETE FROM analytics_dailysales",
    ],
)
def test_figures_that_differ_from_the_books_are_rebuilt(shop, damage):
    shop.delivered()
    execute(damage)
    assert not audit().holds
    assert states(repair()) == {("figures", "repaired")}
    assert repair().outcomes == []


def test_figures_miss_what_an_operator_discarded_and_are_not_rebuilt_for_it(shop):
    order = shop.delivered()
    entry = InboxEntry.objects.get(consumer="analytics.when_order_shipped_count_it")
    DeadLetter.objects.create(
        status="discarded", cause="failed", app="analytics", consumer=entry.consumer, event_id=entry.event_id,
        aggregate_id=order.pk, body="{}", error_type="ValueError", error="no",
    )  # fmt: skip
    entry.delete()
    execute("UPDATE analytics_orderfact SET shipped_at = NULL")
    assert repair().outcomes == []


def test_a_message_that_was_never_written_is_told_and_not_made_up(shop):
    shop.delivered()
    Notification.objects.filter(kind="shipped").delete()
    assert states(repair()) == {("message", "left")}
    assert Notification.objects.filter(kind="shipped").count() == 0


def test_a_message_whose_event_was_not_consumed_either_is_sent(shop):
    shop.delivered()
    Notification.objects.filter(kind="shipped").delete()
    InboxEntry.objects.filter(consumer="notifications.when_order_shipped_tell_customer").delete()
    assert states(repair()) == {("lost", "repaired")}
    deliver_all()
    assert Notification.objects.get(kind="shipped").state == "sent"
    assert repair().outcomes == []


def test_a_relay_that_does_not_relay_is_told(shop):
    OutboxEntry.objects.create(
        shard=1, message_id=uuid7(), type="orders.OrderCreated.v1", body="{}",
        created_at=datetime.now(UTC) - timedelta(hours=1),
    )  # fmt: skip
    assert states(repair(timedelta(minutes=5))) == {("backlog", "left")}


def test_an_order_that_is_not_what_its_events_say_is_left_to_a_person_whatever_else_is_wrong(shop):
    order = shop.shipped()
    Order.objects.filter(pk=order.pk).update(status="paid")
    result = repair()
    assert {outcome.message for finding, outcome in result.outcomes if finding.kind == "history"} == {
        "find out who changed it; manage.py rebuild_orders --repair sets it as its events say"
    }
    assert {str(outcome.state) for _, outcome in result.outcomes} == {"left"}
    assert shop.expect_status(order, "paid")


def test_an_order_that_waits_for_a_parcel_which_came_back_needs_attention_until_it_is_settled(shop):
    order = shop.place(street="EZ5000000005 Road 1")
    shop.run_to_end()
    assert (shop.expect_status(order, "needs_attention").attention_reason) == "delivery_failed"
    # As an operator could leave it with former releases:
    with unit_of_work():
        publish(OrderResumed(order_id=order.pk, number=order.number, attention="delivery_failed"))
        Order.objects.filter(pk=order.pk).update(status="shipped", attention_reason="")
    deliver_all()
    message = f"delivery {order.number}: it is shipped, but the carrier could not deliver its parcel"
    assert [str(violation) for violation in audit().violations] == [message]
    assert states(repair()) == {("delivery", "handed over")}
    assert shop.expect_status(order, "needs_attention").attention_reason == "delivery_failed"

    settle_order(order_id=order.pk, reason="the customer got another parcel")
    deliver_all()
    assert shop.expect_status(order, "settled")
    assert repair().outcomes == []
    assert audit(idle=True).holds
