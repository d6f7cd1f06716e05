"""Checks of payments that customers have to confirm: the provider's notice may be lost."""

import logging
from uuid import UUID

from django.db import transaction

from payments import gateway_calls, repository
from payments.gateway import GatewayTimeout, GatewayUnavailable
from payments.models import Payment
from payments.outcomes import payments as outcomes
from shop.messaging.publishing import unit_of_work

logger = logging.getLogger("shop.payments")


def check_payment(*, order_id: UUID) -> Payment | None:
    """Ask the provider whether the customer has confirmed, and record it. Ask again later if not.

    Publishes PaymentProcessed or PaymentFailed; PaymentVoided if the order was stopped.
    """
    payment = Payment.objects.filter(order_id=order_id).first()
    if payment is None or not payment.awaits_customer:
        return payment
    try:
        charge = gateway_calls.find_or_cancel(payment)
    except (GatewayTimeout, GatewayUnavailable) as error:
        logger.warning("payment %s is checked again later: %r", payment.id, error)
        charge = None
    with unit_of_work():
        if charge:
            outcomes.record_answer(payment, charge)
        else:
            outcomes.check_later(payment)
    payment.refresh_from_db()
    return payment


def resume_payment_checks(*, order_id: UUID) -> Payment:
    """Schedule a check of a payment that awaits its customer and whose reminder was lost."""
    with transaction.atomic():
        payment = repository.lock(order_id)
        if payment.awaits_customer:
            outcomes.check_later(payment)
    return payment
