"""Stops of payments: nothing is taken, or what was taken is refunded."""

from decimal import Decimal
from uuid import UUID

from django.db import transaction

from payments import gateway_calls, repository
from payments.gateway import ChargeStatus
from payments.models import Payment
from payments.outcomes import payments as outcomes
from payments.outcomes.refunds import take_off_hold
from payments.services.attempting import end_former
from payments.services.refunding import refund_payment
from shop.messaging.publishing import unit_of_work


def stop_payment(*, order_id: UUID, reason: str) -> Payment:
    """Keep the customer of a stopped order from paying, or refund what was captured, even later.

    Publishes PaymentVoided if nothing was taken, else the events of refund_payment(). A capture that is being
    made and can no longer be cancelled is refunded by the service that makes it.

    Raises:
        GatewayTimeout, GatewayUnavailable: the outcome is unknown; call again.
    """
    payment = _request_stop(order_id, reason)
    if payment.is_open and not end_former(payment):
        return payment  # it was taken, and is refunded
    if payment.is_captured:
        refund_payment(order_id=order_id, reason=reason)
    elif payment.is_cancellable:
        _cancel(payment)
    return payment


def _request_stop(order_id: UUID, reason: str) -> Payment:
    """Commit the intent to stop a payment; an order without a payment gets a voided one."""
    with transaction.atomic():
        payment, is_new = repository.lock_or_add(Payment.tombstone(order_id, reason=reason))
        if is_new or (payment.has_failed and not payment.stop_requested):
            outcomes.publish_voided(payment)
        if payment.awaits_other_means:
            payment.void()
        if not is_new:
            payment.request_stop(reason=reason)
            repository.store(payment)
    return payment


def _cancel(seen: Payment) -> None:
    charge = gateway_calls.cancel(seen)
    if charge.status != ChargeStatus.CANCELED:
        with unit_of_work():
            outcomes.record_answer(seen, charge)  # the customer was faster, or was refused
        return
    with unit_of_work():
        payment = repository.lock(seen.order_id)
        if payment.is_cancellable:
            take_off_hold(payment, captured=Decimal(0))
            payment.void()
            repository.store(payment)
            outcomes.publish_voided(payment)
