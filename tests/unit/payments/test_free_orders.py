"""Orders that cost nothing: no call of the gateway, and the same events."""

from decimal import Decimal

import pytest
from django.db import transaction

from payments import services
from payments.gateway import ChargeRequest
from payments.models import Payment, Refund, SimulatedCharge, SimulatedRefund
from payments.simulator.gateway import SimulatedGateway
from shop.ids import uuid7
from shop.messaging.contracts import Money
from shop.messaging.publishing import publish
from tests.support.inprocess import deliver_batch

pytestmark = pytest.mark.django_db


def test_an_order_that_costs_nothing_is_paid_without_a_charge(order, happened, said):
    created = happened(order(amount="0.00"))
    assert said(created.order_id) == ["PaymentProcessed"]
    assert Payment.objects.get().state == "succeeded"
    assert not SimulatedCharge.objects.exists()


def test_the_gateway_refuses_to_charge_nothing():
    nothing = Money(amount=Decimal(0), currency="EUR")
    request = ChargeRequest("capture:1", nothing, "pm_card_visa", uuid7())
    assert SimulatedGateway().authorise(**request._asdict()).code == "amount_too_small"


def test_free_and_paid_orders_of_a_batch_are_each_paid(order, said):
    with transaction.atomic():
        free, paid, declined = (
            publish(order(amount="0.00")),
            publish(order()),
            publish(order("pm_card_visa_chargeDeclined")),
        )
    deliver_batch([free, paid, declined], app="payments")
    assert [said(one.order_id) for one in (free, paid)] == [["PaymentProcessed"]] * 2
    assert said(declined.order_id) == ["PaymentFailed"]
    assert SimulatedCharge.objects.count() == 2


def test_a_free_order_that_cannot_be_served_is_refunded_without_the_gateway(order, happened, said, rejected):
    created = happened(order(amount="0.00"))
    happened(rejected(created.order_id))
    assert said(created.order_id) == ["PaymentProcessed", "PaymentRefunded"]
    assert Refund.objects.get().state == "succeeded"
    assert not SimulatedRefund.objects.exists()


def test_a_free_order_that_is_stopped_in_time_is_voided(order, happened, said, stopped, settings):
    created = order(amount="0.00")
    Payment(order_id=created.order_id, amount=Decimal(0), currency="EUR", idempotency_key="k").save()
    happened(stopped(created.order_id))
    happened(created)
    assert said(created.order_id) == ["PaymentVoided"]
    assert not SimulatedCharge.objects.exists()


def test_a_free_payment_whose_worker_died_is_settled_by_the_doctor(order, said):
    created = order(amount="0.00")
    Payment(order_id=created.order_id, amount=Decimal(0), currency="EUR", idempotency_key="k").save()
    services.reconcile_payment(order_id=created.order_id)
    assert said(created.order_id) == ["PaymentProcessed"]


def test_a_payment_from_before_is_settled_though_its_amount_is_refused_today(order, said):
    created = order()
    old = Payment(order_id=created.order_id, amount=Decimal("100.50"), currency="JPY", method="pm_card_visa")
    old.idempotency_key = f"capture:{created.order_id}"
    old.save()
    SimulatedGateway().authorise(
        key=old.idempotency_key, amount=old.money, token=old.method, order_id=created.order_id
    )
    SimulatedCharge.objects.update(status="succeeded", captured=old.amount)  # as an earlier release did
    services.reconcile_payment(order_id=created.order_id)
    services.stop_payment(order_id=created.order_id, reason="customer")
    assert said(created.order_id) == ["PaymentProcessed", "PaymentRefunded"]
