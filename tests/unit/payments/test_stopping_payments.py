"""Stopping: a stopped order ends without a charge, whenever the stop comes."""

from contextlib import contextmanager, suppress
from decimal import Decimal

import pytest

from payments import services
from payments.gateway import GatewayUnavailable
from payments.models import GatewayFault, Payment, Refund, SimulatedCharge
from payments.simulator.gateway import SimulatedGateway
from shop.ids import uuid7
from shop.messaging.models import ScheduledMessage
from tests.support.inprocess import deliver

pytestmark = pytest.mark.django_db


class StoppedBeforeItCharges(SimulatedGateway):
    """Gateway that is reached by a stop before the charge under way."""

    def authorise(self, **call):
        services.stop_payment(order_id=call["order_id"], reason="customer")
        return super().authorise(**call)


class StoppedAfterItCharged(SimulatedGateway):
    """Gateway that has charged when a stop comes, before its answer arrives."""

    def authorise(self, **call):
        charge = super().authorise(**call)
        services.stop_payment(order_id=call["order_id"], reason="customer")
        return charge


class StopFailsAfterItCharged(SimulatedGateway):
    """Gateway that holds the amount when a stop comes that it does not answer."""

    def authorise(self, **call):
        charge = super().authorise(**call)
        with outage_of("cancel"), suppress(GatewayUnavailable):
            services.stop_payment(order_id=call["order_id"], reason="customer")
        return charge


@contextmanager
def outage_of(operation):
    fault = GatewayFault.objects.create(kind="outage", operation=operation)
    yield
    fault.delete()


class DiesAfterCharge(SimulatedGateway):
    def authorise(self, **call):
        super().authorise(**call)
        raise RuntimeError("killed")


def test_stop_of_what_is_held_voids_it_and_charges_nothing(order, happened, said, stopped):
    created = happened(order())
    happened(stopped(created.order_id))

    assert Payment.objects.get().state == SimulatedCharge.objects.get().status == "canceled"
    assert not Refund.objects.exists()
    assert said(created.order_id) == ["PaymentProcessed", "PaymentVoided"]


@pytest.mark.usefixtures("captures_at_once")
def test_stop_after_the_capture_refunds(order, happened, said, stopped):
    created = happened(order())
    happened(stopped(created.order_id))

    assert Refund.objects.get().reason == "customer"
    assert said(created.order_id) == ["PaymentProcessed", "PaymentCaptured", "PaymentRefunded"]


@pytest.mark.parametrize("end", ["rejected", "not_taken", "stopped"])
def test_what_ends_an_order_before_its_parcel_left_voids_the_payment(order, happened, said, request, end):
    created = happened(order())
    happened(request.getfixturevalue(end)(created.order_id))

    assert said(created.order_id) == ["PaymentProcessed", "PaymentVoided"]
    assert SimulatedCharge.objects.get().status == "canceled"


def test_a_void_after_a_timeout_of_the_gateway_is_asked_for_again(order, happened, said, stopped, retry):
    created = happened(order())
    fault = GatewayFault.objects.create(kind="outage", operation="cancel")
    happened(stopped(created.order_id))
    assert said(created.order_id) == ["PaymentProcessed"]

    fault.delete()
    assert retry() == 1
    assert said(created.order_id) == ["PaymentProcessed", "PaymentVoided"]


def test_two_stops_of_a_declined_payment_are_answered_once(order, happened, said, stopped, rejected):
    created = happened(order("pm_card_visa_chargeDeclined"))
    happened(rejected(created.order_id))
    happened(stopped(created.order_id))
    assert said(created.order_id) == ["PaymentFailed", "PaymentVoided"]


def test_stop_of_an_order_never_heard_of_leaves_a_tombstone(happened, said, stopped):
    event = happened(stopped(uuid7()))

    payment = Payment.objects.get(order_id=event.order_id)
    assert (payment.state, payment.amount, payment.stop_reason) == ("canceled", Decimal(0), "customer")
    assert said(event.order_id) == ["PaymentVoided"]
    assert not SimulatedCharge.objects.exists()


def test_late_order_is_not_charged_after_a_tombstone(order, happened, said, stopped):
    placed = order()
    happened(stopped(placed.order_id))
    happened(placed)

    assert said(placed.order_id) == ["PaymentVoided"]
    assert not SimulatedCharge.objects.exists()


def test_duplicate_stop_says_voided_once(happened, said, stopped):
    event = happened(stopped(uuid7()))
    deliver(event, app="payments")
    happened(stopped(event.order_id))

    assert said(event.order_id) == ["PaymentVoided"]


def test_stop_of_a_declined_payment_is_answered(order, happened, said, stopped):
    created = happened(order("pm_card_visa_chargeDeclined"))
    happened(stopped(created.order_id))

    assert said(created.order_id) == ["PaymentFailed", "PaymentVoided"]
    assert Payment.objects.get().state == "requires_payment_method"


def test_stop_that_reaches_the_gateway_before_the_charge_voids(order, happened, said, settings):
    settings.SHOP_PAYMENT_GATEWAY = f"{__name__}.StoppedBeforeItCharges"
    created = happened(order())

    assert Payment.objects.get().state == "canceled"
    assert said(created.order_id) == ["PaymentVoided"]
    assert SimulatedCharge.objects.get().status == "canceled"


def test_stop_during_the_authorisation_voids_it(order, happened, said, settings):
    settings.SHOP_PAYMENT_GATEWAY = f"{__name__}.StoppedAfterItCharged"
    created = happened(order())
    assert said(created.order_id) == ["PaymentVoided"]
    assert SimulatedCharge.objects.get().status == "canceled"


def test_stop_that_misses_the_authorisation_voids_it_by_a_reminder(order, happened, said, settings, remind):
    settings.SHOP_PAYMENT_GATEWAY = f"{__name__}.StopFailsAfterItCharged"
    created = happened(order())
    assert said(created.order_id) == ["PaymentProcessed"]

    assert remind() == 1
    assert said(created.order_id) == ["PaymentProcessed", "PaymentVoided"]
    assert not Refund.objects.exists()


def test_stop_during_a_declined_charge_fails_truthfully(order, happened, said, settings):
    settings.SHOP_PAYMENT_GATEWAY = f"{__name__}.StoppedAfterItCharged"
    created = happened(order("pm_card_visa_chargeDeclined"))

    assert said(created.order_id) == ["PaymentFailed"]
    assert not Refund.objects.exists()


def test_stop_while_the_gateway_is_out_voids_what_was_never_charged(order, happened, said, stopped, retry):
    """The intent to stop is stored first, so no retry charges once the gateway is back."""
    outage = GatewayFault.objects.create(kind="outage")
    created = happened(order())
    happened(stopped(created.order_id))
    assert said(created.order_id) == []

    outage.delete()
    assert retry() == 2
    assert said(created.order_id) == ["PaymentVoided"]
    assert not SimulatedCharge.objects.filter(status="succeeded").exists()


def test_stop_alone_voids_a_charge_that_never_got_through(order, happened, said, stopped):
    """The stop does not rely on a retry of the order's own event."""
    GatewayFault.objects.create(kind="outage", operation="authorise")
    created = happened(order())
    ScheduledMessage.objects.all().delete()
    happened(stopped(created.order_id))

    assert said(created.order_id) == ["PaymentVoided"]


def test_late_payment_of_a_stopped_order_is_voided(order, happened, said, stopped, settings, retry):
    """The amount is held, the answer was lost, and the order is stopped before the hold is known."""
    settings.SHOP_PAYMENT_GATEWAY = f"{__name__}.DiesAfterCharge"
    created = happened(order())
    happened(stopped(created.order_id))
    assert said(created.order_id) == ["PaymentVoided"]

    del settings.SHOP_PAYMENT_GATEWAY
    retry()
    assert said(created.order_id) == ["PaymentVoided"]
    assert SimulatedCharge.objects.get().status == "canceled"


def test_timeout_of_the_cancellation_asks_by_key(order, happened, said):
    GatewayFault.objects.create(kind="outage", operation="authorise")
    created = happened(order())
    GatewayFault.objects.create(kind="timeout", operation="cancel")
    services.stop_payment(order_id=created.order_id, reason="customer")

    assert said(created.order_id) == ["PaymentVoided"]


def test_first_reason_to_stop_stands(order, happened):
    created = happened(order("pm_card_visa_chargeDeclined"))
    services.stop_payment(order_id=created.order_id, reason="customer")
    services.stop_payment(order_id=created.order_id, reason="operator")

    assert Payment.objects.get().stop_reason == "customer"
