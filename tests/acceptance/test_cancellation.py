"""Cancellation of an order at every step of its way."""

from uuid import UUID

import pytest

from dev.load.api import ApiError
from tests.acceptance.seen import causes, in_stock, labels, messages, money
from tests.support.deployment import Deployment


def expect_cancelled_without_a_trace(shop: Deployment, order_id: UUID, *, mugs: int) -> None:
    """Assert that the order is cancelled, its money refunded and its goods back in stock."""
    shop.wait_for_status([order_id], "cancelled")
    shop.audit()
    captured, refunded = money(shop, order_id)
    assert captured == refunded
    assert in_stock(shop, "MUG-BLUE") == mugs
    assert "booked" not in labels(shop, order_id)
    assert {"FulfilmentStopped", "OrderCancelled"} <= set(causes(shop, order_id))
    assert "cancelled" in messages(shop, order_id)


def test_cancelled_before_payments_heard_of_it_nothing_is_charged(shop: Deployment) -> None:
    mugs = in_stock(shop, "MUG-BLUE")
    with shop.holding("lock table payments_payment in share mode"):
        order_id = shop.place_order()
        shop.cancel_order(order_id)
        shop.wait_until(lambda: "FulfilmentStopped" in shop.events(order_id))
        assert shop.statuses([order_id]) == {order_id: "cancelling"}

    expect_cancelled_without_a_trace(shop, order_id, mugs=mugs)


def test_cancelled_while_the_gateway_is_down_nothing_is_ever_charged(shop: Deployment) -> None:
    mugs = in_stock(shop, "MUG-BLUE")
    shop.break_gateway("outage", "authorise")
    order_id = shop.place_order()
    shop.wait_until(lambda: shop.rows("select from payments_payment where order_id = %s", order_id))
    shop.cancel_order(order_id)

    shop.wait_for_status([order_id], "cancelled")
    shop.mend_providers()  # the charge is still to be tried again

    expect_cancelled_without_a_trace(shop, order_id, mugs=mugs)
    assert "PaymentVoided" in causes(shop, order_id)
    assert money(shop, order_id) == (0, 0)


def test_cancelled_while_the_money_is_being_held_it_is_released(shop: Deployment) -> None:
    mugs = in_stock(shop, "MUG-BLUE")
    shop.break_gateway("slow", "authorise", seconds=1.5, calls=1)
    with shop.holding("select from inventory_product where sku = 'MUG-BLUE' for update"):
        order_id = shop.place_order()
        shop.wait_until(lambda: shop.rows("select from payments_gatewayfault where calls_left = 0"))
        shop.cancel_order(order_id)
        shop.wait_until(lambda: "PaymentVoided" in shop.events(order_id))

    expect_cancelled_without_a_trace(shop, order_id, mugs=mugs)
    assert money(shop, order_id) == (0, 0)


def test_cancelled_once_paid_the_money_is_released(shop: Deployment) -> None:
    mugs = in_stock(shop, "MUG-BLUE")
    with shop.holding("select from inventory_product where sku = 'MUG-BLUE' for update"):
        order_id = shop.place_order()
        shop.wait_for_status([order_id], "paid")
        shop.cancel_order(order_id)
        shop.wait_until(lambda: "PaymentVoided" in shop.events(order_id))

    expect_cancelled_without_a_trace(shop, order_id, mugs=mugs)
    assert money(shop, order_id) == (0, 0)


def test_cancelled_in_fulfilment_goods_and_money_go_back(shop: Deployment) -> None:
    mugs = in_stock(shop, "MUG-BLUE")
    shop.break_carrier("outage", "book")
    order_id = shop.place_order()
    shop.wait_for_status([order_id], "in_fulfilment")
    captures = shop.env["SHOP_CAPTURE"] == "placed"
    shop.wait_until(lambda: money(shop, order_id) == (1250 if captures else 0, 0))
    shop.cancel_order(order_id)

    shop.wait_for_status([order_id], "cancelled")
    shop.mend_providers()  # the parcel is still to be booked again

    expect_cancelled_without_a_trace(shop, order_id, mugs=mugs)
    undone = "PaymentRefunded" if captures else "PaymentVoided"
    assert {"InventoryRestocked", undone} <= set(causes(shop, order_id))


def test_cancelled_while_the_parcel_is_booked_the_label_is_voided(shop: Deployment) -> None:
    mugs = in_stock(shop, "MUG-BLUE")
    shop.break_carrier("slow", "book", seconds=6, calls=1)
    order_id = shop.place_order()
    shop.wait_until(lambda: shop.rows("select from shipping_carrierfault where calls_left = 0"))
    shop.cancel_order(order_id)

    expect_cancelled_without_a_trace(shop, order_id, mugs=mugs)
    assert labels(shop, order_id) == ["voided"]
    assert "OrderShipped" not in causes(shop, order_id)


def test_a_cancellation_that_comes_too_late_for_shipping_is_taken_back(shop: Deployment) -> None:
    shop.stop_workers("orders")
    order_id = shop.place_order()
    shop.wait_until(lambda: "OrderShipped" in shop.events(order_id))
    shop.cancel_order(order_id)  # as far as orders knows, it may
    shop.start_workers("orders")

    shop.wait_for_status([order_id], "delivered")
    shop.audit()
    assert "CancellationRejected" in causes(shop, order_id)
    assert "cancellation_rejected" in messages(shop, order_id)
    assert money(shop, order_id) == (1250, 0)


@pytest.mark.parametrize("status", ["shipped", "delivered"])
def test_refused_once_the_parcel_has_left(shop: Deployment, status: str) -> None:
    if status == "shipped":
        shop.break_carrier("outage", "track")
    order_id = shop.place_order()
    shop.wait_for_status([order_id], status)

    with pytest.raises(ApiError) as refusal:
        shop.cancel_order(order_id)

    assert refusal.value.status == 409
    shop.mend_providers()
    shop.wait_for_status([order_id], "delivered")
    shop.audit()
