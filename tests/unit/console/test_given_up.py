"""Undelivered orders that are given up, through all contexts: money and stock are right, the books agree."""

from datetime import timedelta

import pytest

from console.audit import audit
from inventory.models import Product
from orders.models import RefundRequest
from orders.snapshots import all_drifts
from orders.undelivered.services import refund_and_settle
from payments.models import Payment
from payments.services import retry_refund
from tests.support.inprocess import deliver_all, fire_reminders

LOST, RETURNED, LATE = "EZ_LOST Lane", "EZ5000000005 Mews", "EZ_LATE Road"


@pytest.fixture
def failed(shop, settings):
    """Return a function that makes an order whose parcel does not arrive."""
    settings.SHOP_TRACKING_INTERVAL = timedelta(hours=1)

    def make(street, **placed):
        order = shop.place(street=street, **placed)
        deliver_all()
        for _ in range(3):
            fire_reminders()
        return shop.expect_status(order, "needs_attention")

    return make


def stock():
    return dict(Product.objects.values_list("sku", "available"))


def books_agree():
    assert [str(violation) for violation in audit(idle=True).violations] == []
    assert list(all_drifts()) == []
    return True


@pytest.mark.parametrize(("street", "goods", "back"), [(RETURNED, "returned", 1), (LOST, "lost", 0)])
def test_a_parcel_that_did_not_arrive_is_given_up_by_one_act(shop, failed, street, goods, back):
    order = failed(street)
    before = stock()
    refund_and_settle(order_id=order.pk, goods=goods, reason="it is not sent again")
    deliver_all()

    shop.expect_status(order, "settled")
    payment = Payment.objects.get()
    assert payment.amount_refunded == payment.amount == order.total
    assert RefundRequest.objects.get().state == "succeeded"
    came = {sku: n - before[sku] for sku, n in stock().items() if n != before[sku]}
    assert came == ({"TEA-MINT": 2, "MUG": 1} if back else {})
    assert books_agree()


def test_a_parcel_that_comes_late_after_all_leaves_a_settled_order_as_it_is(shop, failed):
    order = failed(LATE)
    refund_and_settle(order_id=order.pk, goods="lost", reason="it is not sent again")
    deliver_all()
    for _ in range(4):
        fire_reminders()
    shop.expect_status(order, "settled")
    assert Payment.objects.get().amount_refunded == order.total
    assert books_agree()


def test_a_refund_that_fails_is_retried_and_the_order_stays_settled(shop, failed):
    order = failed(RETURNED, pays_with="pm_card_refundFail")
    refund_and_settle(order_id=order.pk, goods="returned", reason="it is not sent again")
    deliver_all()
    fire_reminders()
    refund = RefundRequest.objects.get()
    assert refund.state == "failed"
    shop.expect_status(order, "settled")
    retry_refund(refund_id=refund.pk)
    deliver_all()
    shop.expect_status(order, "settled")
