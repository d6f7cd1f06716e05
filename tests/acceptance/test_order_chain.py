"""The chain of events from a placed to a delivered order, and compensation of each failure."""

import pytest

from tests.acceptance.seen import causes, correlations, in_stock, is_notified, labels, mails, messages, money
from tests.support.deployment import OPERATOR, Deployment

DECLINED = "pm_card_visa_chargeDeclinedInsufficientFunds"
REFUSED_ADDRESS = "EZ6000000006 Street"
#: Event that the capture follows from, by policy. The parcel may be faster than orders.
CAPTURED_BY = {"shipped": {"OrderShipped"}, "placed": {"CaptureRequested", "OrderShipped"}}
PAID = {"OrderCreated": "", "PaymentProcessed": "OrderCreated"}
VOIDED = ["cancelled", "order_received", "payment_received"]
REFUNDED = [*VOIDED, "refunded"]


def test_a_placed_order_reaches_its_customer_by_events_alone(shop: Deployment) -> None:
    mugs, teapots = in_stock(shop, "MUG-BLUE"), in_stock(shop, "TEAPOT")

    order_id = shop.place_order(("MUG-BLUE", 2), ("TEAPOT", 1))
    shop.wait_for_status([order_id], "delivered")
    shop.audit()

    seen = causes(shop, order_id)
    assert seen.pop("PaymentCaptured") in CAPTURED_BY[shop.env["SHOP_CAPTURE"]]
    assert seen.pop("CaptureRequested", "InventoryUpdated") == "InventoryUpdated"
    assert seen == {
        **PAID,
        "InventoryReserved": "OrderCreated",
        "InventoryUpdated": "PaymentProcessed",
        "OrderShipped": "InventoryUpdated",
        "OrderDelivered": "",  # follows from the carrier's answer to a timer
    }
    assert shop.events(order_id) == list(causes(shop, order_id)), "each after the one that it follows from"
    told = ["delivered", "order_received", "payment_received", "shipped"]
    assert messages(shop, order_id) == told
    assert mails(shop, order_id) == dict.fromkeys(told, 1)
    assert (in_stock(shop, "MUG-BLUE"), in_stock(shop, "TEAPOT")) == (mugs - 2, teapots - 1)
    assert money(shop, order_id) == (3750, 0)
    assert labels(shop, order_id) == ["booked"]
    assert correlations(shop, order_id) == 1, "all that follows from an order is correlated with it"
    assert shop.api().get(f"/api/v1/orders/{order_id}")["status"] == "delivered"
    assert "The parcel was delivered" in str(shop.api().get(f"/api/v1/orders/{order_id}/timeline"))


def test_a_declined_card_cancels_the_order_and_nothing_is_taken(shop: Deployment) -> None:
    mugs = in_stock(shop, "MUG-BLUE")

    order_id = shop.place_order(payment_method=DECLINED)
    shop.wait_for_status([order_id], "cancelled")
    shop.audit()

    seen = causes(shop, order_id)
    assert seen.pop("InventoryReserved", "OrderCreated") == "OrderCreated"  # unless the decline was faster
    assert seen == {
        "OrderCreated": "",
        "PaymentFailed": "OrderCreated",
        "InventoryReleased": "PaymentFailed",
        "OrderCancelled": "PaymentFailed",
    }
    assert messages(shop, order_id) == ["cancelled", "order_received", "payment_failed"]
    assert in_stock(shop, "MUG-BLUE") == mugs
    assert money(shop, order_id) == (0, 0)
    assert labels(shop, order_id) == []


def test_an_order_that_the_stock_cannot_serve_in_full_is_voided_and_takes_nothing(shop: Deployment) -> None:
    mugs = in_stock(shop, "MUG-BLUE")

    order_id = shop.place_order(("MUG-BLUE", 3), ("SOLD-OUT", 1))
    shop.wait_for_status([order_id], "cancelled")
    shop.audit()

    seen = causes(shop, order_id)
    assert seen["InventoryRejected"] == "OrderCreated", "it is known before the payment is"
    assert "PaymentVoided" in seen
    assert not {"InventoryUpdated", "PaymentCaptured"} & set(seen)
    assert set(VOIDED) - {"payment_received"} <= set(messages(shop, order_id)) <= set(VOIDED)
    assert (in_stock(shop, "MUG-BLUE"), in_stock(shop, "SOLD-OUT")) == (mugs, 0)
    assert money(shop, order_id) == (0, 0)


@pytest.mark.parametrize("running_shop", ["rabbitmq"], indirect=True)
def test_a_parcel_that_the_carrier_refuses_is_restocked_and_its_payment_voided(shop: Deployment) -> None:
    mugs = in_stock(shop, "MUG-BLUE")

    order_id = shop.place_order(("MUG-BLUE", 4), street=REFUSED_ADDRESS)
    shop.wait_for_status([order_id], "cancelled")
    shop.audit()

    seen = causes(shop, order_id)
    assert seen.pop("OrderCancelled") in {"PaymentVoided", "InventoryRestocked", "ShipmentFailed"}
    assert seen == {
        **PAID,
        "InventoryReserved": "OrderCreated",
        "InventoryUpdated": "PaymentProcessed",
        "ShipmentFailed": "InventoryUpdated",
        "InventoryRestocked": "ShipmentFailed",
        "PaymentVoided": "ShipmentFailed",
    }
    assert messages(shop, order_id) == VOIDED
    assert in_stock(shop, "MUG-BLUE") == mugs
    assert money(shop, order_id) == (0, 0)
    assert labels(shop, order_id) == ["refused"]


def test_a_refund_that_fails_waits_for_an_operator_whose_retry_ends_in_cancelled(shop: Deployment) -> None:
    order_id = shop.place_order(street=REFUSED_ADDRESS, payment_method="pm_card_refundFail")
    shop.wait_for_status([order_id], "needs_attention")
    assert not is_notified(shop, order_id, "refunded"), "nobody is told of what has not succeeded"
    assert money(shop, order_id) == (1250, 0)

    [payment] = shop.api(OPERATOR).get(f"/api/v1/payments?order_id={order_id}")["results"]
    [refund] = shop.api(OPERATOR).get(f"/api/v1/payments/{payment['id']}")["refunds"]
    retry = f"/api/v1/payments/{payment['id']}/refunds/{refund['id']}/retry"
    shop.api(OPERATOR).post(retry, Idempotency_Key="retry-1")

    shop.wait_for_status([order_id], "cancelled")
    shop.audit()
    assert {"RefundFailed", "OrderNeedsAttention", "PaymentRefunded"} <= set(causes(shop, order_id))
    assert money(shop, order_id) == (1250, 1250)
    assert messages(shop, order_id) == REFUNDED


def test_a_pending_refund_is_told_and_ends_the_order_only_when_it_has_succeeded(shop: Deployment) -> None:
    shop.break_gateway("outage", "find_refund")
    order_id = shop.place_order(street=REFUSED_ADDRESS, payment_method="pm_card_pendingRefund")
    shop.wait_until(lambda: shop.rows("select from payments_refund where state = 'pending'"))
    shop.wait_for_status([order_id], "cancelling")

    shop.mend_providers()
    shop.wait_for_status([order_id], "cancelled")
    shop.audit()
    assert messages(shop, order_id) == REFUNDED
    assert money(shop, order_id) == (1250, 1250)


def test_a_parcel_that_does_not_arrive_needs_attention(shop: Deployment) -> None:
    returned, lost = (shop.place_order(street=f"{magic} Street") for magic in ("EZ5000000005", "EZ_LOST"))

    shop.wait_for_status([returned, lost], "needs_attention")
    shop.audit()
    for order_id in (returned, lost):
        assert shop.events(order_id)[-2:] == ["DeliveryFailed", "OrderNeedsAttention"]


def test_web_workers_and_commands_run_without_rights_on_tables(shop: Deployment) -> None:
    order_id = shop.place_order()
    shop.wait_for_status([order_id], "delivered")

    sessions = shop.rows(
        "select usename from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
    )
    owner = shop.rows("select tableowner from pg_tables where tablename = 'messaging_eventrecord'")
    assert set(sessions) == {("shop",)} != set(owner)
    assert "Rebuilt from" in shop.commands.check("rebuild_analytics")
    shop.audit()
