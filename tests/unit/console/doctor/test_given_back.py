"""Refunds that a person made in the provider's books are learnt by the doctor."""

from datetime import timedelta
from decimal import Decimal

import pytest

from console.audit import audit
from payments.models import Refund, SimulatedCharge, SimulatedRefund
from payments.services import give_back_otherwise, learn_refunds
from tests.support.inprocess import deliver_all
from tests.unit.console.damage import repair, states


def gives_back(amount):
    charge = SimulatedCharge.objects.get()
    return SimulatedRefund.objects.create(key="by hand", charge=charge, amount=amount, status="succeeded")


@pytest.mark.parametrize("share", [10, 1])
@pytest.mark.parametrize("outcome", ["delivered", "shipped"])
def test_goodwill_at_the_provider_fails_the_audit_only_until_the_doctor_has_learnt_of_it(
    shop, settings, outcome, share
):
    settings.SHOP_TRACKING_INTERVAL = (
        timedelta(milliseconds=1) if outcome == "delivered" else timedelta(days=1)
    )
    order = getattr(shop, outcome)()
    gives_back(order.total / share)
    assert [violation.rule for violation in audit().violations] == ["money"]

    assert ("refund", "repaired") in states(repair())
    deliver_all()
    assert shop.expect_status(order, outcome)
    assert audit().holds
    assert repair().outcomes == []


def test_a_refund_that_failed_and_was_made_by_a_person_ends_the_order_by_itself(shop):
    order = shop.stuck_refund()
    gives_back(order.total)
    assert states(repair()) == {("refund", "repaired")}
    deliver_all()
    assert shop.expect_status(order, "cancelled")
    assert audit(idle=True).holds
    assert Refund.objects.get().state == "succeeded"


def test_an_order_whose_refund_was_given_back_otherwise_is_cancelled_and_the_books_balance(shop):
    order = shop.stuck_refund()
    give_back_otherwise(refund_id=Refund.objects.get().pk, reason="in cash")
    deliver_all()
    assert shop.expect_status(order, "cancelled")
    assert audit(idle=True).holds


def test_an_order_that_is_cancelled_after_goodwill_waits_for_the_rest(shop):
    order = shop.place()
    deliver_all()
    gives_back(Decimal(1))
    learn_refunds(order_id=order.pk)
    deliver_all()
    order.refresh_from_db()
    assert not order.payment_undone
    assert audit().holds


def test_what_was_given_back_twice_is_left_to_a_person(shop):
    order = shop.stuck_refund()
    give_back_otherwise(refund_id=Refund.objects.get().pk, reason="in cash")
    deliver_all()
    gives_back(order.total)
    assert ("refund", "left") in states(repair())
