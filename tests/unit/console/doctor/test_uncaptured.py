"""Orders whose parcel has left and whose money is not taken: found by the audit, mended by the doctor."""

import pytest

from console.audit import audit
from payments.models import Payment, SimulatedCharge
from payments.services import retry_capture
from tests.support.inprocess import deliver_all, fire_reminders
from tests.unit.console.damage import deliver_without, repair, states

CAPTURING = "payments.when_order_shipped_capture_payment"


def test_money_that_nobody_took_after_the_parcel_left_is_taken(shop):
    order = shop.place()
    deliver_without(CAPTURING, consumed=True, reminders=True)
    shop.expect_status(order, "delivered")
    assert "money" in {violation.rule for violation in audit().violations}

    assert ("capture", "repaired") in states(repair())
    deliver_all()
    assert Payment.objects.get().state == SimulatedCharge.objects.get().status == "succeeded"
    assert repair().outcomes == []
    assert audit(idle=True).holds


def test_money_that_can_no_longer_be_taken_holds_up_even_a_delivered_order(shop):
    order = shop.place()
    deliver_without(CAPTURING, consumed=True, reminders=True)
    SimulatedCharge.objects.update(status="canceled")
    repair()
    deliver_all()
    shop.expect_status(order, "needs_attention")
    assert (order.attention_reason, order.stage) == ("capture_failed", "delivered")


def test_a_capture_that_failed_holds_the_order_up_until_it_succeeds(shop):
    order = shop.stuck_capture()
    assert (order.attention_reason, order.stage, order.is_resumable) == ("capture_failed", "delivered", False)
    assert audit(idle=True).holds

    retry_capture(order_id=order.pk)
    for _ in range(2):
        fire_reminders()
    shop.expect_status(order, "delivered")
    assert audit(idle=True).holds


@pytest.mark.parametrize("held", [True, False])
def test_what_only_the_provider_or_the_shop_holds_fails_the_audit(shop, held):
    shop.place()
    deliver_without("inventory", consumed=True)
    SimulatedCharge.objects.update(status="requires_capture" if held else "canceled")
    Payment.objects.update(state="canceled" if held else "requires_capture")
    assert "money" in {violation.rule for violation in audit().violations}
