"""Refunds of parts that staff requested: several a payment, never more in all than was captured."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from django.db import IntegrityError, connections, transaction

from orders.events import RefundRequested
from payments import repository, services
from payments.errors import NotGivenBack, NotRetryable
from payments.models import GatewayFault, Payment, Refund, SimulatedCharge, SimulatedRefund
from payments.queries import balances, failed_refunds, payments_of, refunds_waiting
from shop.ids import uuid7
from shop.messaging.contracts import Money
from shop.messaging.models import EventRecord, ScheduledMessage
from tests.support.inprocess import deliver

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("captures_at_once")]


@pytest.fixture
def requested(happened):
    """Have staff request a refund, and payments hear of it."""

    def request(order_id, amount, refund_id=None):
        event = RefundRequested(
            order_id=order_id,
            refund_id=refund_id or uuid7(),
            amount=Money(amount=amount, currency="EUR"),
        )
        return happened(event)

    return request


@pytest.fixture
def charged(order, happened):
    return happened(order()).order_id


def states():
    return [(refund.state, str(refund.amount)) for refund in Refund.objects.order_by("created_at")]


def tally():
    payment = Payment.objects.get()
    return payment.amount_refunded, payment.amount_refund_open


def books_agree():
    [balance] = balances()
    return balance.agrees


def test_several_parts_are_given_back_each_under_its_own_key(charged, requested, said):
    events = [requested(charged, amount) for amount in ("10.00", "5.00", "10.00")]
    assert states() == [("succeeded", "10.00"), ("succeeded", "5.00"), ("succeeded", "10.00")]
    assert {refund.pk for refund in Refund.objects.all()} == {event.refund_id for event in events}
    assert SimulatedRefund.objects.values("key").distinct().count() == 3
    lefts = EventRecord.objects.filter(type="payments.PaymentRefunded.v1").order_by("position")
    assert [record.data["left"]["amount"] for record in lefts] == ["39.90", "34.90", "24.90"]
    assert tally() == (Decimal("25.00"), 0)
    assert books_agree()


def test_a_request_that_comes_twice_gives_back_once(charged, requested, said):
    event = requested(charged, "10.00")
    deliver(event, app="payments")
    services.refund_part(order_id=charged, refund_id=event.refund_id, amount=Decimal("10.00"))
    assert said(charged) == ["PaymentProcessed", "PaymentCaptured", "PaymentRefunded"]
    assert SimulatedRefund.objects.count() == 1


def test_more_than_is_left_fails_at_once_without_a_call(charged, requested, said):
    requested(charged, "40.00")
    requested(charged, "10.00")
    assert states() == [("succeeded", "40.00"), ("failed", "10.00")]
    assert Refund.objects.get(state="failed").failure_code == "more_than_is_left"
    assert said(charged)[-1] == "RefundFailed"
    assert SimulatedRefund.objects.count() == 1


def test_a_failed_part_waits_for_an_operator_only_while_it_is_owed(charged, requested):
    requested(charged, "40.00")
    requested(charged, "10.00")
    assert (refunds_waiting().number, failed_refunds()) == (0, [])
    assert not refund_of_part("10.00").can_be_retried
    Payment.objects.update(amount_refunded=Decimal("39.90"))  # as much is left again
    assert (refunds_waiting().number, len(failed_refunds())) == (1, 1)
    assert refund_of_part("10.00").can_be_retried


def refund_of_part(amount):
    [payment] = payments_of(Payment.objects.get().order_id)
    return next(refund for refund in payment.refunds if refund.amount.amount == Decimal(amount))


def test_nothing_is_given_back_of_a_payment_that_failed(order, happened, requested, said):
    declined = happened(order("pm_card_visa_chargeDeclined"))
    requested(declined.order_id, "10.00")
    assert said(declined.order_id) == ["PaymentFailed", "RefundFailed"]


def test_a_request_for_an_order_that_was_never_heard_of_waits(requested):
    requested(uuid7(), "10.00")
    assert ScheduledMessage.objects.get().kind == "parked"


@pytest.mark.django_db(transaction=True)
def test_two_parts_at_once_that_are_too_much_together_are_not_both_given_back(charged):
    GatewayFault.objects.create(kind="slow", operation="refund", seconds=0.2)

    def work(amount):
        try:
            return services.refund_part(order_id=charged, refund_id=uuid7(), amount=Decimal(amount)).state
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as workers:
        assert sorted(workers.map(work, ["30.00", "25.00"])) == ["failed", "succeeded"]
    assert books_agree()


def test_the_database_refuses_more_under_way_than_is_left(charged):
    payment = Payment.objects.get()
    repository.add_refund(Refund.part(payment, refund_id=uuid7(), amount=Decimal("40.00")))
    assert tally() == (0, Decimal("40.00"))
    with pytest.raises(IntegrityError, match="payment_refunds_within_captured"), transaction.atomic():
        repository.add_refund(Refund.part(payment, refund_id=uuid7(), amount=Decimal("9.91")))


# --- Beside the refund of all that is left ---


def test_a_stop_gives_back_what_the_parts_have_left(charged, requested, happened, stopped, said):
    requested(charged, "10.00")
    happened(stopped(charged))
    assert states() == [("succeeded", "10.00"), ("succeeded", "39.90")]
    assert tally() == (Decimal("49.90"), 0)


def test_a_stop_leaves_a_pending_part_alone(order, happened, requested, stopped, remind):
    order_id = happened(order("pm_card_pendingRefund")).order_id
    requested(order_id, "10.00")
    happened(stopped(order_id))
    assert states() == [("pending", "10.00"), ("pending", "39.90")]
    assert tally() == (0, Decimal("49.90"))
    for _ in range(2):
        remind()
    assert states() == [("succeeded", "10.00"), ("succeeded", "39.90")]
    lefts = EventRecord.objects.filter(type="payments.PaymentRefunded.v1").order_by("position")
    assert lefts.last().data["left"]["amount"] == "0.00"


def test_a_stop_while_all_of_it_is_requested_gives_nothing_more_back(order, happened, requested, stopped):
    order_id = happened(order("pm_card_pendingRefund")).order_id
    requested(order_id, "49.90")
    happened(stopped(order_id))
    assert states() == [("pending", "49.90")]


# --- Failed ---


@pytest.fixture
def refused(order, happened, requested):
    """A part that the provider refused."""
    order_id = happened(order("pm_card_refundFail")).order_id
    requested(order_id, "10.00")
    return Refund.objects.get()


def test_a_part_that_failed_is_retried_under_a_new_key(refused, remind, said):
    assert (refused.state, tally()) == ("failed", (0, 0))
    services.retry_refund(refund_id=refused.pk)
    remind()
    assert states() == [("succeeded", "10.00")]
    assert Refund.objects.get().idempotency_key == f"refund:{refused.payment_id}:{refused.pk}:2"
    assert said(refused.payment.order_id)[-1] == "PaymentRefunded"


def test_a_part_that_failed_leaves_its_money_to_others_and_is_not_retried_then(refused, requested):
    requested(refused.payment.order_id, "45.00")
    assert states() == [("failed", "10.00"), ("succeeded", "45.00")]
    with pytest.raises(NotRetryable, match=r"only 4\.90 EUR"):
        services.retry_refund(refund_id=refused.pk)
    with pytest.raises(NotGivenBack, match=r"only 4\.90 EUR"):
        services.give_back_otherwise(refund_id=refused.pk, reason="in cash")


def test_a_part_is_given_back_otherwise(refused, said):
    services.give_back_otherwise(refund_id=refused.pk, reason="in cash")
    assert tally() == (Decimal("10.00"), 0)
    assert said(refused.payment.order_id)[-1] == "PaymentRefunded"
    assert books_agree()


# --- Beside what the provider gives back by itself ---


def by_hand(amount):
    charge = SimulatedCharge.objects.get()
    return SimulatedRefund.objects.create(
        key=uuid7().hex, charge=charge, amount=Decimal(amount), status="succeeded"
    )


def test_what_the_shop_is_being_answered_about_is_not_taken_for_another(charged, settings):
    """The provider has given A back, and its answer is not stored yet, when B asks what it has given."""
    payment = Payment.objects.get()
    first = repository.add_refund(Refund.part(payment, refund_id=uuid7(), amount=Decimal("10.00")))
    second = repository.add_refund(Refund.part(payment, refund_id=uuid7(), amount=Decimal("10.00")))
    charge = SimulatedCharge.objects.get()
    SimulatedRefund.objects.create(
        key=second.idempotency_key, charge=charge, amount=Decimal("10.00"), status="succeeded"
    )
    services.learn_refunds(order_id=charged)
    assert [Refund.objects.get(pk=one.pk).state for one in (first, second)] == ["requested", "succeeded"]
    services.check_refund(refund_id=first.pk)
    services.check_refund(refund_id=second.pk)
    assert tally() == (Decimal("20.00"), 0)
    assert books_agree()


def test_what_a_person_gave_back_serves_a_part_that_failed(refused):
    by_hand("10.00")
    services.learn_refunds(order_id=refused.payment.order_id)
    assert states() == [("succeeded", "10.00")]


def test_parts_that_do_not_fit_beside_what_a_person_gave_back_fail(charged, said):
    payment = Payment.objects.get()
    for amount in ("20.00", "20.00"):
        repository.add_refund(Refund.part(payment, refund_id=uuid7(), amount=Decimal(amount)))
    by_hand("25.00")
    services.learn_refunds(order_id=charged)
    assert states() == [("requested", "20.00"), ("failed", "20.00"), ("succeeded", "25.00")]
    assert tally() == (Decimal("25.00"), Decimal("20.00"))
    assert said(charged)[2:] == ["RefundFailed", "PaymentRefunded"]


def test_a_refusal_is_told_though_something_else_was_learnt(order, happened, requested):
    order_id = happened(order("pm_card_refundFail")).order_id
    by_hand("5.00")
    charge = SimulatedCharge.objects.get()
    charge.refunds.all().delete()  # the token refuses the first refund only
    requested(order_id, "10.00")
    by_hand("5.00")
    Refund.objects.update(state="requested")
    GatewayFault.objects.create(kind="refusal", operation="refund")
    services.check_refund(refund_id=Refund.objects.get().pk)
    assert states() == [("failed", "10.00"), ("succeeded", "5.00")]
