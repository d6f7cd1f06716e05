"""Refunding: money goes back once, and the event follows the money."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, connections, transaction
from django.utils import timezone

from payments import repository, services
from payments.errors import GatewayTimeout, NotRetryable
from payments.gateway import ProviderRefund, RefundStatus
from payments.models import GatewayFault, Payment, Refund, SimulatedCharge, SimulatedRefund
from payments.outcomes import refunds as outcomes
from payments.simulator.gateway import SimulatedGateway
from shop.messaging.models import EventRecord, ScheduledMessage
from tests.support.inprocess import deliver

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("captures_at_once")]


class DiesAfterRefund(SimulatedGateway):
    """Gateway whose caller is killed after the refund, before the outcome is stored."""

    def refund(self, **call):
        super().refund(**call)
        raise SystemExit("killed")


class NeverAnswers(SimulatedGateway):
    """Gateway that times out without any effect."""

    def refund(self, **call):
        raise GatewayTimeout("no answer")


def test_rejected_inventory_refunds_payment(order, happened, said, rejected):
    created = happened(order())
    happened(rejected(created.order_id))

    payment, refund = Payment.objects.get(), Refund.objects.get()
    assert (refund.state, refund.amount, refund.reason) == ("succeeded", Decimal("49.90"), "out_of_stock")
    assert refund.idempotency_key == f"refund:{payment.id}:out_of_stock"
    assert (payment.state, payment.amount_refunded) == ("succeeded", Decimal("49.90"))
    assert said(created.order_id) == ["PaymentProcessed", "PaymentCaptured", "PaymentRefunded"]
    assert SimulatedRefund.objects.get().reference == refund.reference


def test_failed_shipment_refunds_payment(order, happened, said, not_taken):
    created = happened(order())
    happened(not_taken(created.order_id))

    assert Refund.objects.get().reason == "shipment_failed"
    assert said(created.order_id)[-1] == "PaymentRefunded"


def test_payment_refunded_names_refund_and_amount(order, happened, rejected):
    created = happened(order())
    happened(rejected(created.order_id))

    data = EventRecord.objects.get(type="payments.PaymentRefunded.v1").data
    refund = Refund.objects.get()
    assert data["refund_id"] == str(refund.id)
    assert data["amount"] == {"amount": "49.90", "currency": "EUR"}


def test_declined_payment_is_not_refunded(order, happened, said, rejected):
    created = happened(order("pm_card_visa_chargeDeclined"))
    happened(rejected(created.order_id))

    assert not Refund.objects.exists()
    assert said(created.order_id) == ["PaymentFailed", "PaymentVoided"]


def test_an_order_that_was_rejected_before_payments_hears_of_it_is_never_charged(
    order, happened, rejected, said
):
    created = order()
    happened(rejected(created.order_id))
    happened(created)

    assert said(created.order_id) == ["PaymentVoided"]
    assert not SimulatedCharge.objects.exists()


def test_payment_rejected_and_stopped_is_refunded_once(order, happened, said, rejected, stopped):
    created = happened(order())
    happened(rejected(created.order_id))
    happened(stopped(created.order_id))

    assert said(created.order_id) == ["PaymentProcessed", "PaymentCaptured", "PaymentRefunded"]
    assert SimulatedRefund.objects.count() == 1
    assert Payment.objects.get().amount_refunded == Decimal("49.90")


def test_duplicate_rejection_refunds_once(order, happened, said, rejected):
    created = happened(order())
    event = happened(rejected(created.order_id))
    deliver(event, app="payments")
    services.stop_payment(order_id=created.order_id, reason="out_of_stock")

    assert said(created.order_id) == ["PaymentProcessed", "PaymentCaptured", "PaymentRefunded"]


def test_crash_between_refund_and_its_record_refunds_once(order, happened, said, settings):
    created = happened(order())
    settings.SHOP_PAYMENT_GATEWAY = f"{__name__}.DiesAfterRefund"
    with pytest.raises(SystemExit):
        services.stop_payment(order_id=created.order_id, reason="out_of_stock")
    assert Refund.objects.get().state == "requested"

    del settings.SHOP_PAYMENT_GATEWAY
    services.stop_payment(order_id=created.order_id, reason="out_of_stock")
    assert said(created.order_id) == ["PaymentProcessed", "PaymentCaptured", "PaymentRefunded"]
    assert SimulatedRefund.objects.count() == 1


def test_timeout_after_refund_asks_by_key(order, happened, said):
    created = happened(order())
    GatewayFault.objects.create(kind="timeout", operation="refund")
    refund = services.stop_payment(order_id=created.order_id, reason="out_of_stock")

    assert refund.state == "succeeded"
    assert said(created.order_id)[-1] == "PaymentRefunded"


def test_refund_that_is_nowhere_to_be_found_stays_unknown(order, happened, said, settings):
    created = happened(order())
    settings.SHOP_PAYMENT_GATEWAY = f"{__name__}.NeverAnswers"
    with pytest.raises(GatewayTimeout):
        services.stop_payment(order_id=created.order_id, reason="out_of_stock")

    assert Refund.objects.get().state == "requested"
    assert said(created.order_id) == ["PaymentProcessed", "PaymentCaptured"]


@pytest.mark.django_db(transaction=True)
def test_two_reasons_at_once_refund_once(order, happened, said):
    created = happened(order())
    GatewayFault.objects.create(kind="slow", operation="refund", seconds=0.2)

    def work(reason):
        try:
            return services.stop_payment(order_id=created.order_id, reason=reason)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as workers:
        first, second = workers.map(work, ["out_of_stock", "customer"])
    assert first == second
    assert said(created.order_id) == ["PaymentProcessed", "PaymentCaptured", "PaymentRefunded"]
    assert SimulatedRefund.objects.count() == 1


# --- Pending ---------------------------------------------------------------------------------


def test_nobody_is_told_of_a_refund_that_is_pending(order, happened, said, rejected, settings):
    settings.SHOP_REFUND_CHECK_INTERVAL = timedelta(hours=6)
    created = happened(order("pm_card_pendingRefund"))
    happened(rejected(created.order_id))

    assert Refund.objects.get().state == "pending"
    assert Payment.objects.get().amount_refunded == 0
    assert said(created.order_id) == ["PaymentProcessed"]
    wait = ScheduledMessage.objects.get(kind="reminder").due_at - timezone.now()
    assert timedelta(hours=5) < wait <= timedelta(hours=6)


def test_pending_refund_is_followed_until_it_succeeds(order, happened, said, rejected, remind):
    created = happened(order("pm_card_pendingRefund"))
    happened(rejected(created.order_id))

    assert remind() == 1  # still pending
    assert Refund.objects.get().state == "pending"
    assert remind() == 1
    assert Refund.objects.get().state == "succeeded"
    assert said(created.order_id) == ["PaymentProcessed", "PaymentRefunded"]
    assert remind() == 0


def test_outage_only_delays_the_look_at_a_pending_refund(order, happened, said, rejected, remind):
    created = happened(order("pm_card_pendingRefund"))
    happened(rejected(created.order_id))
    outage = GatewayFault.objects.create(kind="outage")

    assert [remind() for _ in range(15)] == [1] * 15  # more often than any event is retried
    outage.delete()
    remind()
    remind()
    assert said(created.order_id)[-1] == "PaymentRefunded"


def test_asking_for_a_pending_refund_again_starts_no_other(order, happened, said, rejected, stopped, remind):
    created = happened(order("pm_card_pendingRefund"))
    happened(rejected(created.order_id))
    happened(stopped(created.order_id))
    remind()
    remind()

    assert said(created.order_id) == ["PaymentProcessed", "PaymentRefunded"]
    assert SimulatedRefund.objects.count() == 1


# --- Failed, and retried by an operator ------------------------------------------------------


@pytest.fixture
def failed_refund(order, happened, rejected) -> Refund:
    created = happened(order("pm_card_refundFail"))
    happened(rejected(created.order_id))
    return Refund.objects.get()


def test_refused_refund_fails(failed_refund, said):
    assert (failed_refund.state, failed_refund.failure_code) == ("failed", "expired_or_canceled_card")
    assert Payment.objects.get().amount_refunded == 0
    assert said(failed_refund.payment.order_id) == ["PaymentProcessed", "RefundFailed"]


def test_operator_retries_a_failed_refund(failed_refund, said, remind):
    services.retry_refund(refund_id=failed_refund.id)
    assert remind() == 1

    refund = Refund.objects.get()
    assert (refund.state, refund.attempt, refund.failure_code) == ("succeeded", 2, "")
    assert refund.idempotency_key == f"refund:{refund.payment_id}:out_of_stock:2"
    assert said(refund.payment.order_id) == [
        "PaymentProcessed",
        "RefundFailed",
        "PaymentRefunded",
    ]
    assert list(SimulatedRefund.objects.order_by("created_at").values_list("status", flat=True)) == [
        "failed",
        "succeeded",
    ]


def test_retry_survives_an_outage(failed_refund, said, remind):
    outage = GatewayFault.objects.create(kind="outage")
    services.retry_refund(refund_id=failed_refund.id)
    remind()
    assert Refund.objects.get().state == "requested"

    outage.delete()
    remind()
    assert said(failed_refund.payment.order_id)[-1] == "PaymentRefunded"


def test_only_a_failed_refund_can_be_retried(failed_refund, remind):
    services.retry_refund(refund_id=failed_refund.id)
    with pytest.raises(NotRetryable, match="this refund is requested"):
        services.retry_refund(refund_id=failed_refund.id)
    remind()
    with pytest.raises(NotRetryable, match="this refund is succeeded"):
        services.retry_refund(refund_id=failed_refund.id)


def test_late_answer_to_an_earlier_attempt_changes_nothing(failed_refund, said):
    refused = ProviderRefund("re_late", RefundStatus.FAILED, "unknown")
    retried = services.retry_refund(refund_id=failed_refund.id)
    outcomes.record_refund(failed_refund, refused)

    assert Refund.objects.get().state == retried.state == "requested"
    assert said(failed_refund.payment.order_id).count("RefundFailed") == 1


def test_failed_refund_is_not_retried_by_another_reason(failed_refund, said, stopped, happened):
    happened(stopped(failed_refund.payment.order_id))

    assert Refund.objects.get().state == "failed"
    assert said(failed_refund.payment.order_id) == ["PaymentProcessed", "RefundFailed"]


def test_database_refuses_a_second_live_refund(order, happened, rejected):
    created = happened(order())
    happened(rejected(created.order_id))

    with pytest.raises(IntegrityError, match="refund_one_live_per_payment"), transaction.atomic():
        repository.add_refund(Refund.of(Payment.objects.get(), reason="customer"))


def test_database_refuses_to_count_more_back_than_was_charged(order, happened):
    happened(order())
    payment = Payment.objects.get()
    payment.give_back(Decimal("50.00"))
    with pytest.raises(IntegrityError, match="payment_refunded_within_captured"), transaction.atomic():
        repository.store(payment)
