"""Refunds through all contexts: money, stock and figures agree, and the doctor finds what nobody answered."""

import pytest
from django.db import connection

from console.audit import audit
from inventory.models import Product
from orders.models import Order, RefundRequest
from orders.refunds.plan import Wish
from orders.refunds.services import request_refund
from orders.services import request_cancellation
from payments.models import GatewayFault, Payment, Refund
from shipping.models import CarrierFault
from shop.messaging.contracts import Money
from shop.messaging.models import EventRecord, InboxEntry
from tests.support.inprocess import deliver_all, fire_retries
from tests.unit.console.damage import repair, states


def ask(order, amount=None, *, restock=False, **lines):
    wish = Wish(
        amount=amount and Money(amount=amount, currency="EUR"),
        lines={sku.replace("_", "-"): n for sku, n in lines.items()},
        restock=restock,
    )
    return request_refund(order_id=order.pk, wish=wish, reason="it had a scratch")


def violations():
    return [str(violation) for violation in audit(idle=True).violations]


def test_parts_of_a_delivered_order_come_back_and_all_books_agree(shop):
    order = shop.delivered()
    available = Product.objects.get(sku="MUG").available
    refunds = [ask(order, "1.00"), ask(order, MUG=1, restock=True), ask(order, TEA_MINT=1)]
    deliver_all()
    assert {refund.outcome for refund in RefundRequest.objects.all()} == {"succeeded"}
    given = sum(refund.amount for refund in refunds)
    assert Payment.objects.get().amount_refunded == given
    assert Product.objects.get(sku="MUG").available == available + 1
    assert Order.objects.get().status == "delivered"
    assert violations() == []


def test_an_order_that_is_cancelled_after_a_part_was_given_back_ends_with_all_its_money(shop, settings):
    settings.SHOP_CAPTURE = "placed"
    outage = CarrierFault.objects.create(kind="outage", operation="book")
    order = shop.place()
    deliver_all()
    ask(order, "1.00")
    deliver_all()
    outage.delete()
    request_cancellation(order_id=order.pk, reason="customer")
    shop.run_to_end()
    fire_retries()
    deliver_all()
    shop.expect_status(order, "cancelled")
    payment = Payment.objects.get()
    assert (payment.amount_refunded, payment.refunds.count()) == (payment.amount, 2)
    assert violations() == []


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ("UPDATE orders_refundrequest SET state = 'failed'", "is failed, and in payments succeeded"),
        ("DELETE FROM orders_refundrequest", "that nobody requested"),
        ("UPDATE orders_refundrequest SET amount = amount + 1", "were given back where orders has"),
        ("UPDATE orders_refundrequest SET restock = false", "came back to the stock for nothing"),
        ("UPDATE payments_refund SET state = 'pending'", "is succeeded, and in payments pending"),
    ],
)
def test_the_audit_sees_books_of_a_refund_that_disagree(shop, damage, message):
    order = shop.delivered()
    ask(order, MUG=1, restock=True)
    deliver_all()
    with connection.cursor() as cursor:
        cursor.execute(damage)
    assert any(message in violation for violation in violations())


def test_the_doctor_has_a_refund_given_back_that_payments_never_took_up(shop):
    order = shop.delivered()
    refund = ask(order, "1.00")
    event = EventRecord.objects.get(type="orders.RefundRequested.v1")
    consumer = "payments.when_refund_requested_give_money_back"
    InboxEntry.objects.create(consumer=consumer, event_id=event.id)  # consumed, and without an effect
    deliver_all()
    assert not Refund.objects.exists()
    assert ("refund", "repaired") in states(repair())
    deliver_all()
    assert Refund.objects.get(pk=refund.pk).state == "succeeded"
    assert RefundRequest.objects.get().outcome == "succeeded"
    assert violations() == []


def test_a_part_that_was_requested_while_the_gateway_was_away_is_given_back_when_it_is_there(shop):
    order = shop.delivered()
    outage = GatewayFault.objects.create(kind="outage", operation="refund")
    ask(order, "1.00")
    deliver_all()
    assert RefundRequest.objects.get().outcome == "requested"
    outage.delete()
    fire_retries()
    deliver_all()
    assert RefundRequest.objects.get().outcome == "succeeded"
    assert Payment.objects.get().amount_refunded == 1
    assert violations() == []
