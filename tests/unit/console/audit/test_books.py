"""The audit reports stock, money and parcels that do not fit the orders."""

from decimal import Decimal

import pytest
from django.db import connection
from django.db.models import F

from inventory import services
from inventory.models import OrderStock, Product, StockMovement
from payments.models import Payment, SimulatedCharge
from shipping.models import Shipment, SimulatedLabel
from shop.ids import uuid7
from shop.messaging.models import EventRecord
from tests.unit.console.audit.findings import found, says, unlock_log

pytestmark = pytest.mark.usefixtures("in_a_transaction")


def test_stock_that_its_movements_do_not_explain():
    Product.objects.filter(sku="MUG").update(available=F("available") + 1)
    (violation,) = found()
    assert violation.startswith("stock MUG: 179 are on hand, but 178 should be: initial +180")


def test_stock_that_its_events_do_not_explain():
    """Somebody has written a movement and no event."""
    mug = Product.objects.get(sku="MUG")
    StockMovement.objects.create(product=mug, kind="sold", quantity=-1, order_id=uuid7())
    Product.objects.filter(sku="MUG").update(available=F("available") - 1)
    assert "stock MUG: 177 are on hand, and 178 by its events" in found()


def test_a_reservation_that_no_order_explains():
    Product.objects.filter(sku="MUG").update(reserved=1, available=F("available") - 1)
    assert found() == {"stock MUG: 1 are reserved, and 0 by the orders"}


def test_a_reservation_that_outlives_its_order(orders):
    order = orders["declined"]
    OrderStock.objects.filter(pk=order.pk).update(state="reserved")
    assert found() >= says(
        order, "stock", "it is cancelled, but 1 x MUG, 2 x TEA-MINT are still reserved for it"
    ) | says(order, "stock", "its stock is reserved, which is not what the log tells")


def test_an_adjustment_whose_event_is_missing_among_others():
    tea = Product.objects.get(sku="TEA-MINT")
    unlock_log()
    adjusted = EventRecord.objects.filter(aggregate_id=tea.pk)
    assert [event.data["quantity"] for event in adjusted] == [-3]
    services.adjust_stock(sku="TEA-MINT", quantity=5, reason="goods came in")
    adjusted.filter(data__quantity=5).delete()
    assert any("by its events" in violation for violation in found())


def test_an_adjustment_from_before_adjustments_were_events():
    unlock_log()
    EventRecord.objects.filter(type__startswith="inventory.StockAdjusted").delete()
    assert not any("by its events" in violation for violation in found())


def test_stock_that_began_differently():
    Product.objects.filter(sku="PAN").update(initial_stock=81)
    assert found() == {
        "stock PAN: 81 at first, but the first movement says otherwise",
        "stock PAN: 80 are on hand, and 81 by its events",
    }


def test_goods_that_were_taken_in_part(orders):
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE inventory_stockmovement DISABLE TRIGGER USER")
    tea = StockMovement.objects.filter(order_id=orders["delivered"].pk, product__sku="TEA-MINT")
    tea.update(quantity=-1)
    violations = found()
    assert violations >= says(
        orders["delivered"],
        "stock",
        "1 x MUG, 1 x TEA-MINT were taken from the stock for 1 x MUG, 2 x TEA-MINT",
    )
    assert any(violation.startswith("stock TEA-MINT: ") for violation in violations)


def test_goods_that_came_back_of_a_delivered_order(orders):
    order = orders["delivered"]
    for sold in StockMovement.objects.filter(order_id=order.pk):
        StockMovement.objects.create(
            product=sold.product, kind="restocked", quantity=-sold.quantity, order_id=order.pk
        )
        Product.objects.filter(pk=sold.product_id).update(available=F("available") - sold.quantity)
    assert found() == says(order, "stock", "it is delivered, but its goods are in the stock") | says(
        order, "stock", "the stock's movements are not those that the log tells of"
    ) | {
        "figures MUG: 5 were sold and 4 came back, which no figure shows",
        "figures TEA-MINT: 10 were sold and 8 came back, which no figure shows",
        "stock MUG: 179 are on hand, and 178 by its events",
        "stock TEA-MINT: 395 are on hand, and 393 by its events",
    }


def test_goods_that_did_not_come_back_of_a_cancelled_order(orders):
    order = orders["refused_by_carrier"]
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE inventory_stockmovement DISABLE TRIGGER USER")
    for back in StockMovement.objects.filter(order_id=order.pk, kind="restocked"):
        Product.objects.filter(pk=back.product_id).update(available=F("available") - back.quantity)
        StockMovement.objects.filter(pk=back.pk).delete()
    assert found() >= says(
        order, "stock", "it is cancelled, but 1 x MUG, 2 x TEA-MINT were taken and nothing given back"
    )


def test_stock_movements_for_an_order_that_inventory_never_heard_of(orders):
    OrderStock.objects.filter(pk=orders["delivered"].pk).delete()
    assert found() >= says(
        orders["delivered"], "stock", "the stock moved for it, though inventory never heard of it"
    )


def test_money_that_was_kept_of_a_cancelled_order(orders):
    order = orders["refused_by_carrier"]
    Payment.objects.filter(order_id=order.pk).update(amount_refunded=0)
    violations = found()
    assert violations >= says(
        order, "money", f"it is cancelled, worth 0.00 to the shop, which keeps {order.total}"
    )
    assert any("by the provider's" in violation for violation in violations)


def test_money_that_was_given_back_for_a_shipped_order(orders):
    order = orders["shipped"]
    Payment.objects.filter(order_id=order.pk).update(amount_refunded=F("amount"))
    assert found() >= says(
        order, "money", f"it is shipped, worth {order.total} to the shop, which keeps 0.00"
    )


def test_a_provider_whose_books_differ(orders):
    order = orders["delivered"]
    SimulatedCharge.objects.filter(key=f"capture:{order.pk}").update(captured=Decimal("1.00"))
    assert found() == says(
        order,
        "money",
        f"0.00 held, {order.total} captured and 0.00 refunded by our books, 0.00, 1.00 and 0.00 by the "
        "provider's",
    )


def test_a_charge_that_only_the_provider_knows(orders):
    charge = SimulatedCharge.objects.get(key=f"capture:{orders['delivered'].pk}")
    charge.pk, charge.key, charge.reference = None, f"capture:{uuid7()}", "pi_lost"
    charge.save(force_insert=True)
    assert any(": the shop does not know it" in violation for violation in found())


def test_a_payment_that_the_log_does_not_tell_of(orders):
    Payment.objects.filter(order_id=orders["declined"].pk).update(
        state="succeeded", amount_captured=F("amount")
    )
    order = orders["declined"]
    assert found() >= says(
        order, "money", f"{order.total} was captured and 0.00 held, which is not what the log tells"
    )


def test_a_parcel_of_a_cancelled_order(orders):
    order = orders["cancelled"]
    Shipment.objects.filter(order_id=order.pk).update(state="shipped")
    violations = found()
    assert violations >= says(order, "parcel", "its parcel has left, though it is cancelled")
    assert violations >= says(order, "parcel", "parcels that left: 1, but OrderShipped is in the log 0 ×")


def test_a_shipped_order_without_a_parcel(orders):
    Shipment.objects.filter(order_id=orders["shipped"].pk).delete()
    assert found() >= says(orders["shipped"], "parcel", "it is shipped, but no parcel has left")


def test_a_carrier_whose_books_differ(orders):
    order = orders["shipped"]
    SimulatedLabel.objects.filter(key=f"ship:{order.pk}").delete()
    key = Shipment.objects.get(order_id=order.pk).idempotency_key
    SimulatedLabel.objects.filter(key=key).delete()
    assert found() == says(order, "parcel", "its shipment is shipped, but its label is unknown")
