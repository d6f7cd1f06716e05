"""Adjustments of the stock are events in the log, and reported where they leave nothing to sell."""

import pytest

from console.audit import audit
from inventory import services
from inventory.errors import NotEnoughStock
from inventory.events import StockAdjusted
from shop.messaging.event_log import replay, timeline
from tests.support.inprocess import deliver

pytestmark = pytest.mark.django_db


def events():
    return [
        (event.sku, event.quantity, event.available, event.reason)
        for event in replay(types=[StockAdjusted.type])
    ]


@pytest.mark.parametrize("quantity", [3, -2])
def test_an_adjustment_is_in_the_log_of_the_product(teapot, quantity):
    services.adjust_stock(sku="TEAPOT", quantity=quantity, reason="Counted", actor="olga")
    assert events() == [("TEAPOT", quantity, 5 + quantity, "Counted")]
    assert [entry.name for entry in timeline(teapot.pk)] == ["StockAdjusted"]


def test_a_refused_adjustment_is_not_in_the_log(teapot):
    with pytest.raises(NotEnoughStock):
        services.adjust_stock(sku="TEAPOT", quantity=-6, reason="Broken")
    assert events() == []


def test_an_adjustment_is_no_order_to_the_audit(teapot):
    services.adjust_stock(sku="TEAPOT", quantity=-2, reason="Broken")
    [adjusted] = replay(types=[StockAdjusted.type])
    deliver(adjusted)
    assert [str(violation) for violation in audit().violations] == []


def test_a_product_that_an_adjustment_leaves_sold_out_is_reported(teapot, caplog):
    for quantity, told in ((-4, []), (-1, ["TEAPOT is on sale, and an adjustment left none of it"])):
        services.adjust_stock(sku="TEAPOT", quantity=quantity, reason="Broken")
        deliver(list(replay(types=[StockAdjusted.type]))[-1], app="inventory")
        assert caplog.messages == told
