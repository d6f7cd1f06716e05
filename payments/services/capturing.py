"""Captures: what is held is taken, once the parcel has left or the stock serves the order."""

from collections.abc import Collection
from uuid import UUID

from django.db import transaction

from payments import gateway_calls, repository
from payments.models import Payment
from payments.outcomes import captures as outcomes
from shop.messaging.publishing import unit_of_work


def capture_payments(*, order_ids: Collection[UUID]) -> None:
    """Take what is held for orders. Idempotent: each is taken once, and what is not held is left alone.

    Publishes PaymentCaptured or CaptureFailed, after which an operator has to act.

    Raises:
        GatewayTimeout, GatewayUnavailable: some outcomes are unknown; call again.
        TooEarly: payments has not heard of an order, or its hold is about to be replaced by a renewal.
    """
    known = repository.payments_of(order_ids)
    held = {payment.order_id: payment for payment in known if payment.is_capturable}
    charges = gateway_calls.capture_each(held)
    with unit_of_work(leaving_out=charges.missing):
        outcomes.record((held[order_id], charge) for order_id, charge in charges.given.items())
    charges.raise_first_error()


def retry_capture(*, order_id: UUID) -> Payment:
    """Capture again what could not be taken, for an operator. A worker carries it out.

    Raises:
        NotRetryable: no capture has failed, or nothing is held any more.
    """
    with transaction.atomic():
        payment = repository.lock(order_id)
        payment.retry_capture()
        repository.store(payment)
        outcomes.capture_now(payment)
    return payment
