"""Orders that a restore has lost are found in the providers' books, and each has a way out."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from console.models import LostOrder
from console.restore import lost_orders
from console.restore.errors import HasLeft, NoCopy, NotKnown, NotLost, ReasonMissing
from orders.errors import NotReinstatable
from orders.models import Order
from orders.services import request_cancellation
from payments.errors import NotTakenOver, PaymentKnown
from payments.gateway import gateway
from payments.models import Attempt, Payment, SimulatedCharge, SimulatedRefund, payment_key
from payments.services import release_lost_charges
from shipping.errors import ShipmentKnown
from shipping.models import SimulatedLabel
from shipping.services import void_lost_label
from shop.messaging.consuming import consumer_of, runner
from shop.messaging.models import DeadLetter
from shop.privacy import data_keys
from shop.privacy.models import DataSubject
from tests.support.inprocess import deliver_all
from tests.unit.console.audit import findings

pytestmark = pytest.mark.django_db
WHO = {"by": "dora", "reason": "lost by the restore"}


def lost() -> list[lost_orders.Found]:
    return [one for one in lost_orders.find_lost() if one.is_open]


def found() -> set[str]:
    """Return what the audit finds, but for the read models, which lose() leaves as they are."""
    return {one for one in findings.found() if not one.startswith("figures")}


def refuse(body: dict, app: str = "payments") -> None:
    """Deliver a message of the lost time from a newer broker."""
    runner.run(consumer_of(app, body["type"]), [body], [{}])


def test_a_shop_without_a_restore_has_none(lost_time):
    lost_time.held()
    lost_time.shipped()
    assert lost() == []


def test_what_is_held_is_released_and_the_audit_holds(lost_time):
    order = lost_time.held()
    lost_time.lose(order)
    [one] = lost()
    assert (one.order_id, one.has_copy) == (order.pk, False)
    assert f"lost order {order.pk}: the shop does not know it, and the payment provider holds " in str(
        found()
    )
    lost_orders.refund(one, **WHO)
    assert SimulatedCharge.objects.get().status == "canceled"
    assert (lost(), found()) == ([], set())
    record = LostOrder.objects.get()
    assert (record.decision, record.by, record.reason) == ("refunded", *WHO.values())


def test_what_was_taken_is_given_back_once(lost_time):
    order = lost_time.shipped()
    lost_time.lose(order)
    SimulatedLabel.objects.update(scans=[])  # the carrier has not got it yet
    [one] = lost()
    lost_orders.refund(one, **WHO)
    lost_orders.refund(one, **WHO)
    [refund] = SimulatedRefund.objects.all()
    assert (refund.amount, refund.status) == (order.total, "succeeded")
    assert SimulatedLabel.objects.get().status == "voided"
    assert (lost(), found()) == ([], set())


def test_a_refund_that_failed_keeps_it_on_the_list_and_can_be_tried_again(lost_time):
    order = lost_time.shipped()
    lost_time.lose(order)
    SimulatedLabel.objects.update(scans=[])
    lost_orders.refund(lost()[0], **WHO)
    SimulatedRefund.objects.update(status="failed")
    assert [one.order_id for one in lost()] == [order.pk]
    assert f"has taken {order.total}" in str(found())
    lost_orders.refund(lost()[0], **WHO)
    assert sorted(SimulatedRefund.objects.values_list("status", flat=True)) == ["failed", "succeeded"]
    assert (lost(), found()) == ([], set())


def test_a_refund_that_takes_time_is_not_requested_twice(lost_time):
    order = lost_time.shipped(pays_with="pm_card_pendingRefund")
    lost_time.lose(order)
    SimulatedLabel.objects.update(scans=[])
    for _ in range(2):
        lost_orders.refund(lost()[0], **WHO)
    assert [refund.status for refund in SimulatedRefund.objects.all()] == ["pending"]


def test_a_parcel_on_its_way_is_kept_or_refunded_on_purpose(lost_time):
    order = lost_time.shipped()
    lost_time.lose(order)
    SimulatedLabel.objects.update(scans=[["pre_transit", "2026-01-01"], ["in_transit", "2026-01-02"]])
    [one] = lost()
    with pytest.raises(HasLeft, match="on its way"):
        lost_orders.refund(one, **WHO)
    assert not SimulatedRefund.objects.exists()
    lost_orders.keep(one, **WHO)
    assert (lost(), found()) == ([], set())
    lost_orders.refund(one, although_sent=True, **WHO)
    assert SimulatedRefund.objects.get().amount == order.total
    assert (lost(), found()) == ([], set())


def test_what_is_held_for_goods_that_left_is_taken(lost_time):
    order = lost_time.held()
    lost_time.lose(order)
    lost_orders.keep(lost()[0], **WHO)
    charge = SimulatedCharge.objects.get()
    assert (charge.status, charge.captured) == ("succeeded", order.total)
    assert (lost(), found()) == ([], set())


def test_an_order_that_a_newer_broker_tells_of_comes_back_and_is_charged_once(lost_time):
    order = lost_time.held()
    body = lost_time.message_of(order)
    lost_time.lose(order)
    refuse(body)
    assert not Payment.objects.exists(), "the message must take no effect"
    [one] = lost()
    assert (one.name, one.has_copy) == (order.number, True)
    lost_orders.reinstate(one, **WHO)
    again = Order.objects.get()
    assert (again.pk, again.number, again.total) == (order.pk, order.number, order.total)
    assert again.ship_to == order.ship_to
    deliver_all()
    again.refresh_from_db()
    assert again.status == "shipped"
    assert SimulatedCharge.objects.get().status == "succeeded"
    assert (lost(), found()) == ([], set())
    assert not DeadLetter.objects.filter(status="open").exists()


def test_an_order_that_may_be_paid_by_other_means_still_may_when_it_comes_back(lost_time):
    order = lost_time.held(retry_payment=True)
    body = lost_time.message_of(order)
    lost_time.lose(order)
    refuse(body)
    lost_orders.reinstate(lost()[0], **WHO)
    assert Order.objects.get().retry_payment


def test_an_order_whose_message_is_gone_cannot_be_entered_again(lost_time):
    lost_time.lose(lost_time.held())
    with pytest.raises(NoCopy, match="--refund it"):
        lost_orders.reinstate(lost()[0], **WHO)


def test_an_order_whose_customer_has_no_key_any_more_cannot_be_entered_again(lost_time):
    order = lost_time.placed()
    body = lost_time.message_of(order)
    lost_time.lose(order)
    refuse(body)
    DataSubject.objects.all().delete()
    data_keys.cache.clear()
    with pytest.raises(NotReinstatable, match="key of its customer"):
        lost_orders.reinstate(lost()[0], **WHO)
    assert not Order.objects.exists()


def test_an_order_that_the_shop_knows_is_never_released(lost_time):
    order = lost_time.shipped()
    with pytest.raises(PaymentKnown):
        release_lost_charges(order_id=order.pk)
    with pytest.raises(ShipmentKnown):
        void_lost_label(order_id=order.pk, key="x")
    one = lost_orders.Found(order.pk)
    with pytest.raises(NotLost):
        lost_orders.refund(one, **WHO)
    assert not SimulatedRefund.objects.exists()


def test_a_decision_needs_an_author_and_a_reason(lost_time):
    lost_time.lose(lost_time.held())
    with pytest.raises(ReasonMissing):
        lost_orders.refund(lost()[0], by="dora", reason=" ")


def test_the_command_lists_asks_and_decides(lost_time, capsys, monkeypatch):
    order = lost_time.held()
    lost_time.lose(order)
    with pytest.raises(SystemExit, match="1"):
        call_command("lost_orders")
    assert f"{order.total} EUR held" in capsys.readouterr().out
    monkeypatch.setattr("builtins.input", lambda question: "n")
    with pytest.raises(SystemExit, match="1"):
        call_command("lost_orders", refund=["all"], **WHO)
    monkeypatch.setattr("builtins.input", lambda question: "y")
    with pytest.raises(SystemExit, match="0"):
        call_command("lost_orders", refund=[str(order.pk)], **WHO)
    with pytest.raises(CommandError, match="is no lost order"):
        call_command("lost_orders", refund=[str(order.pk)], **WHO)


# --- Charges of orders that the shop knows -------------------------------------------------------

DECLINED = "pm_card_visa_chargeDeclined"


def hold_unknown(order, attempt: int) -> None:
    """Hold the amount by an attempt of the lost time."""
    key, amount = payment_key(order.pk, attempt), Payment.objects.get(order_id=order.pk).money
    gateway().authorise(key=key, amount=amount, token="pm_card_mastercard", order_id=order.pk)


def held_at_provider() -> set[str]:
    return set(SimulatedCharge.objects.filter(status="requires_capture").values_list("key", flat=True))


@pytest.fixture
def paid_meanwhile(lost_time):
    """Order that was declined before the point, and paid by a third attempt in the lost time."""
    order = lost_time.shop.place(pays_with=DECLINED, retry_payment=True)
    deliver_all()
    hold_unknown(order, 3)
    return lost_time.shop.expect_status(order, "placed")


def test_a_lost_attempt_of_a_known_order_pays_it(lost_time, paid_meanwhile):
    [one] = lost()
    held = one.charges[0].held
    assert str(one).startswith(f"{paid_meanwhile.number}: {held} held, by an attempt to pay it")
    lost_orders.take_over(one, **WHO)
    payment = Payment.objects.get()
    assert (payment.attempt, payment.state) == (3, "requires_capture")
    assert [attempt.number for attempt in Attempt.objects.all()] == [1]
    deliver_all()
    lost_time.shop.expect_status(paid_meanwhile, "shipped")
    assert (lost(), found()) == ([], set())


def test_a_lost_attempt_of_a_known_order_is_released(lost_time, paid_meanwhile):
    assert found(), "the books differ"
    lost_orders.refund(lost()[0], **WHO)
    assert held_at_provider() == set()
    lost_time.shop.expect_status(paid_meanwhile, "placed")
    assert (lost(), found()) == ([], set())


def test_a_lost_attempt_pays_no_order_that_was_cancelled(lost_time, paid_meanwhile):
    request_cancellation(order_id=paid_meanwhile.pk, reason="customer")
    deliver_all()
    with pytest.raises(NotTakenOver):
        lost_orders.take_over(lost()[0], **WHO)
    with pytest.raises(NotLost):
        lost_orders.keep(lost()[0], **WHO)
    lost_orders.refund(lost()[0], **WHO)
    assert held_at_provider() == set()
    assert (lost(), found()) == ([], set())


def test_a_lost_renewal_takes_the_place_of_the_former_hold(lost_time):
    order = lost_time.held()
    Payment.objects.update(authorised_until=timezone.now() + timedelta(hours=1))
    hold_unknown(order, 2)
    gateway().cancel(key=payment_key(order.pk))
    lost_orders.take_over(lost()[0], **WHO)
    assert Payment.objects.get().idempotency_key == payment_key(order.pk, 2)
    deliver_all()
    lost_time.shop.expect_status(order, "shipped")
    assert (lost(), found()) == ([], set())


def test_a_charge_of_a_lost_order_is_not_taken_over(lost_time):
    lost_time.lose(lost_time.held())
    with pytest.raises(NotKnown):
        lost_orders.take_over(lost()[0], **WHO)


def test_the_command_takes_over_known_orders_alone(lost_time, paid_meanwhile, capsys):
    gone = lost_time.held()
    lost_time.lose(gone)
    with pytest.raises(SystemExit, match="1"):
        call_command("lost_orders", take_over=["all"], yes=True, **WHO)
    said = capsys.readouterr().out
    assert f"take_over: {paid_meanwhile.number}" in said
    assert [one.order_id for one in lost()] == [gone.pk]
