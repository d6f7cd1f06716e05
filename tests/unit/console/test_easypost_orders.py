"""Orders whose parcels go through EasyPost's SDK: the chain, and the audit of both books."""

from datetime import timedelta

import pytest

from console.audit import audit
from orders.services import request_cancellation
from shipping.models import Shipment
from tests.support.easypost.fixtures import easypost_api, easypost_stand_in  # noqa: F401 - fixtures
from tests.support.inprocess import deliver_all, fire_reminders, fire_retries

BUY = r"POST /v2/shipments/[\w:]+/buy"


@pytest.fixture
def api(shop, easypost_api, settings):  # noqa: F811
    settings.SHOP_TRACKING_INTERVAL = timedelta(hours=6)
    return easypost_api


def shipment_of(order):
    return Shipment.objects.get(order_id=order.pk)


def books_agree():
    return [str(violation) for violation in audit(idle=True).violations] == []


def test_orders_of_every_outcome_agree_with_the_books_of_easypost(shop, api):
    delivered, lost, refused, declined = (
        shop.place(),
        shop.place(),
        shop.refused_by_carrier(),
        shop.declined(),
    )
    deliver_all()
    assert len(api.bought()) == 2

    for order, status in [(delivered, "delivered"), (lost, "failure")]:
        api.account.scan(shipment_of(order).tracking_number, "in_transit")
        api.account.scan(shipment_of(order).tracking_number, status)
    fire_reminders()
    shop.expect_status(delivered, "delivered")
    shop.expect_status(lost, "needs_attention")
    shop.expect_status(refused, "cancelled")
    shop.expect_status(declined, "cancelled")
    assert shipment_of(refused).failure_message == "Ada's address is not served"
    assert books_agree()


def test_orders_wait_while_easypost_is_away_and_are_shipped_afterwards(shop, api):
    with api.failing("503"):
        orders = [shop.place(MUG=1) for _ in range(2)]
        deliver_all()
    fire_retries()
    assert len(api.bought()) == 2
    assert {shipment_of(order).state for order in orders} == {"shipped"}
    assert books_agree()


def test_an_order_that_is_cancelled_while_easypost_is_silent_leaves_no_label(shop, api):
    with api.failing("500", BUY, acts=True):
        order = shop.place()
        with api.failing("503", "GET /v2/shipments/shp_.*"):
            deliver_all()
    request_cancellation(order_id=order.pk, reason="customer")
    deliver_all()
    fire_retries()
    shop.run_to_end()
    shop.expect_status(order, "cancelled")
    assert [shipment["refund_status"] for shipment in api.account.shipments.values()] == ["submitted"]
    assert books_agree()


def test_a_label_of_an_order_that_did_not_leave_is_seen_by_the_audit(shop, api):
    shop.place()
    deliver_all()
    shipment = Shipment.objects.get()
    Shipment.objects.update(state="stopped")
    assert not books_agree()
    Shipment.objects.update(state=shipment.state)
    assert books_agree()
