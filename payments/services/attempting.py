"""Further attempts to pay an order by other means. One counts: former ones are ended first."""

import logging
from collections.abc import Callable
from functools import partial
from uuid import UUID

from django.db import transaction

from payments import gateway_calls, repository
from payments.gateway import Charge, ChargeStatus
from payments.models import Attempt, Payment
from payments.outcomes import payments as outcomes
from shop.messaging.publishing import unit_of_work

logger = logging.getLogger("shop.payments")


def attempt_payment(*, order_id: UUID, attempt: int, payment_method: str) -> None:
    """Hold the amount of an order by other means. Idempotent by the number of the attempt.

    Nothing happens if the order is stopped, or paid by a former attempt meanwhile. Publishes the events of
    authorise_payments().

    Raises:
        GatewayTimeout, GatewayUnavailable: the outcome is unknown; call again.
        TooEarly: payments has not heard of the order.
    """
    payment = _begin(order_id, attempt, payment_method)
    if payment is None or not end_former(payment):
        return
    charges = gateway_calls.authorise_each({order_id: payment})
    with unit_of_work(leaving_out=charges.missing):
        outcomes.record((payment, charge) for charge in charges.given.values())
    charges.raise_first_error()


@transaction.atomic
def _begin(order_id: UUID, number: int, method: str) -> Payment | None:
    """Commit the intent; None if there is nothing to do. An attempt that was begun before is carried on."""
    payment = repository.lock(order_id)
    if payment.is_open and payment.attempt == number:
        return payment
    may_begin = payment.awaits_other_means or (payment.awaits_customer and payment.may_retry)
    if not may_begin or payment.stop_requested or payment.attempt != number - 1:
        logger.info("payment %s is %s: attempt %d is not made", payment.id, payment.state, number)
        return None
    Attempt.of(payment).save(force_insert=True)
    payment.begin_attempt(number, method=method)
    repository.store(payment)
    return payment


def has_open_former(payment: Payment) -> bool:
    """Tell whether the customer could still confirm a former attempt."""
    return payment.attempt > 1 and payment.attempts.filter(state=Attempt.State.REQUIRES_ACTION).exists()


def end_former(payment: Payment) -> bool:
    """Cancel former attempts that their customer could still confirm; False if one of them has counted.

    Raises:
        GatewayTimeout, GatewayUnavailable: one may still hold the amount; call again.
    """
    if count := cancel_former(payment):
        with unit_of_work():
            count()
        return False
    return True


def cancel_former(payment: Payment) -> Callable[[], None] | None:
    """Cancel former attempts that their customer could still confirm, as end_former() does.

    Returns:
        The function that stores in a unit of work that one of them has counted; None if none has.
    """
    for former in payment.attempts.filter(state=Attempt.State.REQUIRES_ACTION):
        charge = gateway_calls.cancel_key(former.idempotency_key, former.reference)
        former.state, former.failure_code = charge.status.value, charge.code
        if charge.status == ChargeStatus.SUCCEEDED:
            return partial(_count, payment, former, charge)
        _store_end(former)
    return None


def _count(payment: Payment, former: Attempt, charge: Charge) -> None:
    _store_end(former)
    outcomes.record_former(payment, charge)


def _store_end(former: Attempt) -> None:
    former.save(update_fields=["state", "failure_code"])
