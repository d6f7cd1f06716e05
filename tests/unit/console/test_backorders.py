"""Orders that wait for goods, through all contexts: served, cancelled, or looked at by a person."""

import pytest
from django.utils import timezone

from console.audit import audit
from inventory.bookings import Booking
from inventory.models import OrderStock, Product
from inventory.services import book
from orders.models import Order
from orders.services import miss_deadline, request_cancellation, resume_order
from payments.models import Payment
from tests.support.inprocess import deliver_all


def found():
    return [str(violation) for violation in audit().violations]


@pytest.fixture
def waiting(shop) -> Order:
    """A paid order of more mugs than there are."""
    Product.objects.filter(sku="MUG").update(backorderable=True)
    order = shop.place(MUG=181)
    deliver_all()
    return shop.expect_status(order, "awaiting_stock")


def receive(quantity):
    book(bookings=[Booking(kind="received", sku="MUG", quantity=quantity, reason="so")])


def test_an_order_that_waits_goes_its_way_when_goods_come_in(shop, waiting):
    assert found() == []
    receive(1)
    shop.run_to_end()
    shop.expect_status(waiting, "delivered")
    assert Product.objects.get(sku="MUG").available == 0
    assert found() == []


def test_an_order_that_waits_can_be_cancelled_and_is_never_charged(shop, waiting):
    request_cancellation(order_id=waiting.pk, reason="customer")
    shop.run_to_end()
    shop.expect_status(waiting, "cancelled")
    assert OrderStock.objects.get().state == "released"
    assert Payment.objects.get().state == "canceled"
    receive(10)
    shop.run_to_end()
    assert Product.objects.get(sku="MUG").available == 190
    assert found() == []


def test_an_order_that_waited_too_long_is_looked_at_and_goes_on_when_goods_come_in(shop, waiting, settings):
    Order.objects.update(changed_at=timezone.now() - 2 * settings.SHOP_BACKORDER_DEADLINE)
    miss_deadline(order_id=waiting.pk)
    deliver_all()
    assert shop.expect_status(waiting, "needs_attention").attention_reason == "backorder_overdue"
    assert found() == []
    resume_order(order_id=waiting.pk)
    deliver_all()
    shop.expect_status(waiting, "awaiting_stock")
    receive(1)
    shop.run_to_end()
    shop.expect_status(waiting, "delivered")
    assert found() == []


def test_an_order_that_ended_and_still_waits_is_found_by_the_audit(shop, waiting):
    request_cancellation(order_id=waiting.pk, reason="customer")
    shop.run_to_end()
    OrderStock.objects.update(state="awaiting")
    assert any("it is cancelled, but still waits for 181 x MUG" in problem for problem in found())
