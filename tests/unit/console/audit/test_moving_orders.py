"""The audit runs beside a working shop: an order under way is no violation."""

from console.audit import audit
from tests.support.inprocess import deliver_all


def test_an_order_that_was_just_placed_is_under_way_and_not_wrong(shop):
    shop.place()
    assert {violation.rule for violation in audit().violations} == {"inbox"}

    deliver_all()
    assert audit().holds
    assert audit(idle=True).holds
