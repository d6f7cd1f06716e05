"""Capturing: what is held is taken once, by the shop's policy, and an operator helps where it cannot be."""

from contextlib import suppress
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import transaction
from django.utils import timezone

from payments import gateway_calls, services
from payments.errors import GatewayTimeout, NotRetryable
from payments.models import GatewayFault, Payment, Refund, SimulatedCharge
from payments.simulator.gateway import SimulatedGateway
from shipping.events import OrderShipped
from shop.ids import uuid7, uuid7_at
from shop.messaging.errors import TooEarly
from shop.messaging.models import EventRecord, ScheduledMessage
from shop.messaging.publishing import publish
from tests.support.inprocess import deliver, deliver_batch
from tests.support.sealed import sealed_event

pytestmark = pytest.mark.django_db

#: Query of the inbox, payments, the gateway's own statement; then a transaction of inbox rows, outcomes, log
#: and outbox.
STATEMENTS_OF_A_BATCH = 8


def left(order_id):
    return sealed_event(
        OrderShipped, order_id=order_id, shipment_id=uuid7(), carrier="Post", tracking_number="JD014"
    )


@pytest.fixture
def shipped(happened):
    """Return a function that publishes that an order's parcel has left."""
    return lambda order_id: happened(left(order_id))


def test_money_is_taken_when_the_parcel_leaves(order, happened, said, shipped):
    created = happened(order())
    assert SimulatedCharge.objects.get().captured == 0
    shipped(created.order_id)

    payment = Payment.objects.get()
    assert (payment.state, payment.amount_captured) == ("succeeded", Decimal("49.90"))
    assert SimulatedCharge.objects.get().captured == Decimal("49.90")
    assert said(created.order_id) == ["PaymentProcessed", "PaymentCaptured"]
    assert EventRecord.objects.get(type="payments.PaymentCaptured.v1").data == {
        "order_id": str(created.order_id),
        "payment_id": str(payment.id),
        "amount": {"amount": "49.90", "currency": "EUR"},
    }


@pytest.mark.usefixtures("captures_at_once")
def test_a_shop_that_captures_at_once_takes_money_with_the_stock_and_no_second_time(
    order, happened, said, shipped
):
    created = happened(order())
    assert said(created.order_id) == ["PaymentProcessed", "PaymentCaptured"]
    shipped(created.order_id)
    assert said(created.order_id) == ["PaymentProcessed", "PaymentCaptured"]


def test_a_repeated_event_takes_money_once(order, happened, said, shipped):
    created = happened(order())
    event = shipped(created.order_id)
    deliver(event, app="payments")
    services.capture_payments(order_ids=[created.order_id])
    assert said(created.order_id) == ["PaymentProcessed", "PaymentCaptured"]


def test_nothing_is_taken_for_an_order_that_costs_nothing(order, happened, said, shipped):
    created = happened(order(amount="0.00"))
    shipped(created.order_id)
    assert said(created.order_id) == ["PaymentProcessed"]


class DiesAfterCapture(SimulatedGateway):
    """Gateway whose caller is killed after a capture."""

    def capture(self, **call):
        super().capture(**call)
        raise SystemExit("killed")


class CapturesAndTimesOut(SimulatedGateway):
    """Gateway that captures and does not answer."""

    def capture(self, **call):
        super().capture(**call)
        raise GatewayTimeout("no answer")


def test_a_crash_between_capture_and_record_takes_money_once(order, happened, said, settings):
    created = happened(order())
    settings.SHOP_PAYMENT_GATEWAY = f"{__name__}.DiesAfterCapture"
    with pytest.raises(SystemExit):
        services.capture_payments(order_ids=[created.order_id])
    assert Payment.objects.get().state == "requires_capture"

    del settings.SHOP_PAYMENT_GATEWAY
    services.capture_payments(order_ids=[created.order_id])
    assert said(created.order_id) == ["PaymentProcessed", "PaymentCaptured"]
    assert SimulatedCharge.objects.get().captured == Decimal("49.90")


def test_a_capture_without_an_answer_is_looked_up(order, happened, said, settings, shipped):
    created = happened(order())
    settings.SHOP_PAYMENT_GATEWAY = f"{__name__}.CapturesAndTimesOut"
    shipped(created.order_id)
    assert said(created.order_id) == ["PaymentProcessed", "PaymentCaptured"]
    assert not ScheduledMessage.objects.exists()


def test_an_outage_only_delays_a_capture(order, happened, said, shipped, retry):
    created = happened(order())
    outage = GatewayFault.objects.create(kind="outage", operation="capture")
    shipped(created.order_id)
    assert said(created.order_id) == ["PaymentProcessed"]

    outage.delete()
    retry()
    assert said(created.order_id) == ["PaymentProcessed", "PaymentCaptured"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("count", [2, 40])
def test_a_batch_of_captures_takes_the_same_few_statements(order, happened, django_assert_num_queries, count):
    with transaction.atomic():
        created = [publish(order()) for _ in range(count)]
    deliver_batch(created, app="payments")
    with transaction.atomic():
        events = [publish(left(one.order_id)) for one in created]
    with django_assert_num_queries(STATEMENTS_OF_A_BATCH):
        deliver_batch(events, app="payments")
    assert Payment.objects.filter(state="succeeded").count() == count


# --- Captures that fail ------------------------------------------------------------------------


@pytest.fixture
def failed(order, happened, shipped):
    """Return an order whose parcel has left and whose money could not be taken."""
    created = happened(order("pm_card_captureFail"))
    shipped(created.order_id)
    return created.order_id


def test_a_capture_that_fails_is_told_once_and_the_amount_is_still_held(failed, said):
    assert said(failed) == ["PaymentProcessed", "CaptureFailed"]
    payment = Payment.objects.get()
    assert (payment.state, payment.failure_code) == ("requires_capture", "capture_refused")

    services.capture_payments(order_ids=[failed])
    assert said(failed) == ["PaymentProcessed", "CaptureFailed"]


def test_an_operator_retries_a_capture_under_another_key(failed, said, remind):
    services.retry_capture(order_id=failed)
    assert remind() == 1
    assert said(failed) == ["PaymentProcessed", "CaptureFailed", "PaymentCaptured", "CaptureRecovered"]
    payment = Payment.objects.get()
    assert (payment.state, payment.failure_code, payment.capture_attempt) == ("succeeded", "", 2)


def test_only_a_capture_that_failed_is_retried(order, happened):
    created = happened(order())
    with pytest.raises(NotRetryable, match="requires_capture"):
        services.retry_capture(order_id=created.order_id)


def test_a_hold_that_the_provider_has_released_cannot_be_taken(order, happened, said, shipped):
    created = happened(order())
    SimulatedCharge.objects.update(status="canceled")
    shipped(created.order_id)
    assert said(created.order_id) == ["PaymentProcessed", "CaptureFailed"]
    assert Payment.objects.get().state == "requires_payment_method"


def test_of_a_batch_only_what_fails_is_told_as_failed(order, happened, said):
    orders = [happened(order(token)) for token in ("pm_card_captureFail", "pm_card_visa")]
    services.capture_payments(order_ids=[one.order_id for one in orders])
    assert [said(one.order_id)[-1] for one in orders] == ["CaptureFailed", "PaymentCaptured"]


class StoppedBeforeItCaptures(SimulatedGateway):
    """Gateway that is reached by a stop before a capture."""

    def capture(self, **call):
        services.stop_payment(order_id=Payment.objects.get().order_id, reason="customer")
        return super().capture(**call)


class StoppedAfterItCaptured(SimulatedGateway):
    """Gateway that has captured when a stop comes."""

    def capture(self, **call):
        captured = super().capture(**call)
        services.stop_payment(order_id=Payment.objects.get().order_id, reason="customer")
        return captured


@pytest.mark.parametrize(
    ("provider", "then"),
    [
        ("StoppedBeforeItCaptures", ["PaymentVoided"]),
        ("StoppedAfterItCaptured", ["PaymentCaptured", "PaymentRefunded"]),
    ],
)
@pytest.mark.usefixtures("captures_at_once")
def test_a_stop_during_a_capture_voids_or_refunds(order, happened, said, settings, remind, provider, then):
    settings.SHOP_PAYMENT_GATEWAY = f"{__name__}.{provider}"
    created = happened(order())
    remind()
    assert said(created.order_id) == ["PaymentProcessed", *then]
    assert Refund.objects.exists() == ("PaymentRefunded" in then)


# --- Holds that end ----------------------------------------------------------------------------


@pytest.fixture
def old(order, happened):
    """Return the order of a payment whose hold ends within a day."""

    def place(token="pm_card_visa"):  # noqa: S107
        created = happened(order(token))
        payment = Payment.objects.filter(order_id=created.order_id)
        begun = timezone.now() - timedelta(days=6, hours=12)
        payment.update(id=uuid7_at(begun), authorised_until=begun + timedelta(days=7))
        return created.order_id

    return place


def test_a_hold_that_ends_is_replaced_by_another(old, said, shipped):
    order_id = old()
    assert services.renew_holds() == 1
    payment = Payment.objects.get()
    assert (payment.attempt, payment.idempotency_key) == (2, f"capture:{order_id}:2")
    assert payment.authorised_until > timezone.now() + timedelta(days=6)
    statuses = dict(SimulatedCharge.objects.values_list("key", "status"))
    assert statuses == {f"capture:{order_id}": "canceled", f"capture:{order_id}:2": "requires_capture"}

    assert services.renew_holds() == 0
    shipped(order_id)
    assert said(order_id) == ["PaymentProcessed", "PaymentCaptured"]
    assert SimulatedCharge.objects.get(status="succeeded").key == f"capture:{order_id}:2"


def test_a_fresh_hold_is_left_alone(order, happened):
    happened(order())
    assert services.renew_holds() == 0
    assert SimulatedCharge.objects.count() == 1


def test_a_hold_that_cannot_be_renewed_stands_until_its_end_and_is_told_once(old, said, shipped):
    order_id = old()
    Payment.objects.update(method="pm_card_chargeDeclinedExpiredCard")
    assert [services.renew_holds() for _ in range(2)] == [1, 0]
    assert said(order_id) == ["PaymentProcessed", "CaptureFailed"]

    shipped(order_id)
    assert said(order_id)[2:] == ["PaymentCaptured", "CaptureRecovered"]


class DiesAfterRelease(SimulatedGateway):
    """Gateway whose caller is killed after the former hold is released."""

    def cancel(self, **call):
        super().cancel(**call)
        raise SystemExit("killed")


def test_a_crash_during_a_renewal_leaves_one_hold(old, settings):
    order_id = old()
    settings.SHOP_PAYMENT_GATEWAY = f"{__name__}.DiesAfterRelease"
    with pytest.raises(SystemExit):
        services.renew_holds()
    del settings.SHOP_PAYMENT_GATEWAY
    services.renew_holds()
    assert Payment.objects.get().idempotency_key == f"capture:{order_id}:2"
    assert SimulatedCharge.objects.filter(status="requires_capture").count() == 1


def test_a_capture_waits_for_a_renewal_that_has_released_the_former_hold(old, said, shipped, settings):
    order_id = old()
    settings.SHOP_PAYMENT_GATEWAY = f"{__name__}.DiesAfterRelease"
    with pytest.raises(SystemExit):
        services.renew_holds()
    del settings.SHOP_PAYMENT_GATEWAY
    shipped(order_id)
    assert said(order_id) == ["PaymentProcessed"]
    assert ScheduledMessage.objects.get().kind == ScheduledMessage.Kind.DEFERRED
    with pytest.raises(TooEarly):  # as a notice of the provider would be, too
        gateway_calls.find_or_cancel(Payment.objects.get())

    services.renew_holds()
    services.capture_payments(order_ids=[order_id])
    assert said(order_id) == ["PaymentProcessed", "PaymentCaptured"]
    assert SimulatedCharge.objects.get(status="succeeded").key == f"capture:{order_id}:2"


@pytest.mark.parametrize("end", ["shipped", "stopped"])
def test_a_renewal_whose_answer_was_lost_holds_nothing_after_the_payment_has_ended(
    old, happened, shipped, stopped, end
):
    order_ids = [old(), old()]
    fault = GatewayFault.objects.create(kind="timeout", operation="authorise")
    assert services.renew_holds() == 2
    assert SimulatedCharge.objects.filter(status="requires_capture").count() == 4

    fault.delete()
    with transaction.atomic():
        events = [publish(left(one) if end == "shipped" else stopped(one)) for one in order_ids]
    deliver_batch(events, app="payments")
    assert not SimulatedCharge.objects.filter(status="requires_capture").exists()
    assert {*Payment.objects.values_list("state", flat=True)} == {
        "succeeded" if end == "shipped" else "canceled"
    }


class StoppedBeforeItRenews(SimulatedGateway):
    """Gateway that is reached by a stop before the renewal, and releases the former hold no more."""

    def authorise(self, **call):
        with suppress(GatewayTimeout):
            services.stop_payment(order_id=call["order_id"], reason="customer")
        return super().authorise(**call)

    def cancel(self, *, key, charge=""):
        if key.endswith(":2"):
            return super().cancel(key=key, charge=charge)
        raise GatewayTimeout("no answer")


def test_a_renewal_that_a_stop_has_overtaken_is_no_failed_capture(old, said, settings):
    order_id = old()
    settings.SHOP_PAYMENT_GATEWAY = f"{__name__}.StoppedBeforeItRenews"
    services.renew_holds()
    assert said(order_id) == ["PaymentProcessed"]

    del settings.SHOP_PAYMENT_GATEWAY
    services.stop_payment(order_id=order_id, reason="customer")
    assert said(order_id) == ["PaymentProcessed", "PaymentVoided"]
    assert {*SimulatedCharge.objects.values_list("status", flat=True)} == {"canceled"}


class CapturedBeforeItRenews(SimulatedGateway):
    """Gateway at which another process captures before the renewal, and has not stored that yet."""

    def authorise(self, **call):
        payment = Payment.objects.get()
        assert not gateway_calls.capture_each({payment.order_id: payment}).missing
        return super().authorise(**call)


def test_a_renewal_that_a_capture_has_overtaken_is_no_failed_capture(old, said, shipped, settings):
    order_id = old()
    settings.SHOP_PAYMENT_GATEWAY = f"{__name__}.CapturedBeforeItRenews"
    services.renew_holds()
    del settings.SHOP_PAYMENT_GATEWAY
    shipped(order_id)
    assert said(order_id) == ["PaymentProcessed", "PaymentCaptured"]
    assert {*SimulatedCharge.objects.values_list("status", flat=True)} == {"succeeded", "canceled"}


class CapturedMeanwhile(SimulatedGateway):
    """Gateway that captures before a renewal releases the hold."""

    def cancel(self, **call):
        SimulatedCharge.objects.filter(attempts=1, captured=0).exclude(key__endswith=":2").update(
            status="succeeded", captured=Decimal("49.90")
        )
        return super().cancel(**call)


def test_what_is_captured_during_its_renewal_is_held_no_second_time(old, settings):
    order_id = old()
    settings.SHOP_PAYMENT_GATEWAY = f"{__name__}.CapturedMeanwhile"
    services.renew_holds()
    statuses = dict(SimulatedCharge.objects.values_list("key", "status"))
    assert statuses == {f"capture:{order_id}": "succeeded", f"capture:{order_id}:2": "canceled"}
    assert Payment.objects.get().attempt == 1
