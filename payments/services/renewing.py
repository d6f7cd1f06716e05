"""Renewals: what is held for long is held anew before the provider lets go of it."""

import logging

from django.conf import settings
from django.utils import timezone

from payments import gateway_calls, repository
from payments.errors import GatewayError
from payments.gateway import Charge, ChargeStatus
from payments.models import HOLD_ENDS, Payment, renewed_until
from payments.outcomes import captures as outcomes
from shop.messaging.publishing import unit_of_work

logger = logging.getLogger("shop.payments")

#: Payments that one run renews.
BATCH = 100


def renew_holds() -> int:
    """Hold anew what the provider will let go of within a day; return the number of payments.

    Publishes CaptureFailed if the means of payment declines: the former hold stands until its end, and an
    operator has to act.
    """
    ending = repository.holds_that_end(renewed_until(), limit=BATCH)
    for payment in ending:
        try:
            _renew(payment)
        except GatewayError as error:
            logger.warning("the hold %s is renewed later: %r", payment.idempotency_key, error)
    return len(ending)


def _renew(payment: Payment) -> None:
    """Hold anew, then release the former hold, then store it.

    After a crash the same calls come again, or what ends the payment releases both.
    """
    key = payment.renewal_key
    renewed = gateway_calls.authorise_as(key, payment)
    if renewed.status == ChargeStatus.CANCELED and not gateway_calls.still_holds(payment):
        return  # what has ended the payment meanwhile has released both, and is about to be stored
    if renewed.status == ChargeStatus.REQUIRES_ACTION:
        gateway_calls.cancel_key(key, renewed.reference)  # nobody asks the customer to confirm again
    if renewed.status != ChargeStatus.REQUIRES_CAPTURE:
        _record_decline(payment, renewed)
        return
    former = gateway_calls.release(payment)
    if former.status == ChargeStatus.SUCCEEDED or not replace_hold(payment, renewed):
        gateway_calls.cancel_key(key, renewed.reference)  # it was captured or stopped meanwhile


def replace_hold(seen: Payment, renewed: Charge) -> bool:
    """Store that another authorisation holds the amount; False if it was captured or stopped meanwhile."""
    with unit_of_work():
        payment = repository.lock(seen.order_id)
        if not payment.is_held or payment.stop_requested or payment.attempt != seen.attempt:
            return False
        payment.renew(reference=renewed.reference, until=timezone.now() + settings.SHOP_AUTHORISATION_PERIOD)
        repository.store(payment)
    return True


def _record_decline(seen: Payment, declined: Charge) -> None:
    with unit_of_work():
        payment = repository.lock(seen.order_id)
        if payment.is_capturable and not payment.failure_code and not payment.stop_requested:
            payment.refuse_capture(code=HOLD_ENDS, message=declined.message)
            repository.store(payment)
            outcomes.publish_failed(payment)
