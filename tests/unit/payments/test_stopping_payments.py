"""Stopping: a stopped order ends without a charge, whenever the stop comes."""

from decimal import Decimal

import pytest

from payments import services
from payments.models import GatewayFault, Payment, Refund, SimulatedCharge
from payments.simulator.gateway import SimulatedGateway
from shop.ids import uuid7
from shop.messaging.models import ScheduledMessage
from tests.support.inprocess import deliver

pytestmark = pytest.mark.django_db


class StoppedBeforeItCharges(SimulatedGateway):
    """Gateway that is reached by a stop before the charge under way."""

    def charge(self, **call):
        services.stop_payment(order_id=call["order_id"], reason="customer")
        return super().charge(**call)


class StoppedAfterItCharged(SimulatedGateway):
    """Gateway that has charged when a stop comes, before its answer arrives."""

    def charge(self, **call):
        charge = super().charge(**call)
        services.stop_payment(order_id=call["order_id"], reason="customer")
        return charge


class DiesAfterCharge(SimulatedGateway):
    def charge(self, **call):
        super().charge(**call)
        raise RuntimeError("killed")


def test_stop_after_the_charge_refunds(order, happened, said, stopped):
    created = happened(order())
    happened(stopped(created.order_id))

    assert Refund.objects.get().reason == "customer"
    assert said(created.order_id) == ["PaymentProcessed", "PaymentRefunded"]


def test_stop_of_an_order_never_heard_of_leaves_a_tombstone(happened, said, stopped):
    event = happened(stopped(uuid7()))

    payment = Payment.objects.get(order_id=event.order_id)
    assert (payment.state, payment.amount, payment.stop_reason) == ("voided", Decimal(0), "customer")
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
    assert Payment.objects.get().state == "failed"


def test_stop_that_reaches_the_gateway_before_the_charge_voids(order, happened, said, settings):
    settings.SHOP_PAYMENT_GATEWAY = f"{__name__}.StoppedBeforeItCharges"
    created = happened(order())

    assert Payment.objects.get().state == "voided"
    assert said(created.order_id) == ["PaymentVoided"]
    assert SimulatedCharge.objects.get().status == "canceled"


def test_stop_during_the_charge_refunds_it(order, happened, said, settings, remind):
    settings.SHOP_PAYMENT_GATEWAY = f"{__name__}.StoppedAfterItCharged"
    created = happened(order())
    assert said(created.order_id) == ["PaymentProcessed"]

    assert remind() == 1
    assert said(created.order_id) == ["PaymentProcessed", "PaymentRefunded"]
    assert Refund.objects.get().reason == "customer"


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
    GatewayFault.objects.create(kind="outage", operation="charge")
    created = happened(order())
    ScheduledMessage.objects.all().delete()
    happened(stopped(created.order_id))

    assert said(created.order_id) == ["PaymentVoided"]


def test_late_payment_of_a_stopped_order_is_refunded(order, happened, said, stopped, settings, retry, remind):
    """The gateway charged, the answer was lost, the order was stopped, then the charge became known."""
    settings.SHOP_PAYMENT_GATEWAY = f"{__name__}.DiesAfterCharge"
    created = happened(order())
    happened(stopped(created.order_id))
    assert said(created.order_id) == []

    del settings.SHOP_PAYMENT_GATEWAY
    retry()
    remind()
    assert said(created.order_id) == ["PaymentProcessed", "PaymentRefunded"]


def test_timeout_of_the_cancellation_asks_by_key(order, happened, said):
    GatewayFault.objects.create(kind="outage", operation="charge")
    created = happened(order())
    GatewayFault.objects.create(kind="timeout", operation="cancel_charge")
    services.stop_payment(order_id=created.order_id, reason="customer")

    assert said(created.order_id) == ["PaymentVoided"]


def test_first_reason_to_stop_stands(order, happened):
    created = happened(order("pm_card_visa_chargeDeclined"))
    services.stop_payment(order_id=created.order_id, reason="customer")
    services.stop_payment(order_id=created.order_id, reason="operator")

    assert Payment.objects.get().stop_reason == "customer"
