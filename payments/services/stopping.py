"""Stops of payments: nothing is charged, or the charge is refunded."""

from uuid import UUID

from django.db import transaction

from payments import gateway_calls, repository
from payments.gateway import ChargeStatus
from payments.models import Payment
from payments.outcomes import charges as outcomes
from payments.services.refunding import refund_payment
from shop.messaging.publishing import unit_of_work


def stop_payment(*, order_id: UUID, reason: str) -> Payment:
    """Keep the customer of a stopped order from being charged, or refund the charge, even a late one.

    Publishes PaymentVoided if nothing was charged, else the events of refund_payment(). A charge that is
    being made and can no longer be cancelled is refunded by the service that makes it.

    Raises:
        GatewayTimeout, GatewayUnavailable: the outcome is unknown; call again.
    """
    payment = _request_stop(order_id, reason)
    if payment.state == Payment.State.SUCCEEDED:
        refund_payment(order_id=order_id, reason=reason)
    elif payment.is_open:
        _cancel_charge(payment)
    return payment


def _request_stop(order_id: UUID, reason: str) -> Payment:
    """Commit the intent to stop a payment; an order without a payment gets a voided one."""
    with transaction.atomic():
        payment, is_new = repository.lock_or_add(Payment.tombstone(order_id, reason=reason))
        if is_new or (payment.has_failed and not payment.stop_requested):
            outcomes.publish_voided(payment)
        if not is_new:
            payment.request_stop(reason=reason)
            repository.store(payment)
    return payment


def _cancel_charge(payment: Payment) -> None:
    charge = gateway_calls.cancel_charge(payment)
    if charge.status == ChargeStatus.CANCELED:
        with unit_of_work():
            outcomes.record_charges([(payment, charge)])
