"""Stops of payments: nothing is taken, or what was taken is refunded."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import partial
from uuid import UUID

from django.db import transaction

from payments import gateway_calls, repository
from payments.gateway import Charge, ChargeStatus
from payments.models import Payment
from payments.outcomes import payments as outcomes
from payments.outcomes.refunds import take_off_hold
from payments.services.attempting import cancel_former, has_open_former
from payments.services.refunding import request_refund
from shop.messaging.providers import call_each
from shop.messaging.publishing import unit_of_work

#: Stores and publishes the gateway's answer about a payment, in the caller's unit of work.
_Store = Callable[[], object]


def stop_payment(*, order_id: UUID, reason: str) -> Payment:
    """Stop the payment of one order, as stop_payments() does."""
    (payment,) = stop_payments(reasons={order_id: reason})
    return payment


def stop_payments(*, reasons: Mapping[UUID, str]) -> list[Payment]:
    """Keep the customers of stopped orders from paying, or refund what was captured, even later.

    Publishes PaymentVoided if nothing was taken, else PaymentRefunded or RefundFailed, and neither while the
    refund is pending. A capture that is being made and can no longer be cancelled is refunded by the service
    that makes it. What the customer has confirmed or the bank has refused meanwhile is published first.

    Args:
        reasons: reasons to stop, by order id. The first reason of each payment stands.

    Raises:
        GatewayTimeout, GatewayUnavailable: some outcomes are unknown; call again.
    """
    payments = _request_stops(reasons)
    live = {one.order_id: one for one in payments if one.is_cancellable or one.is_captured}
    answers = call_each(live, _end, call_together=_cancel_together)
    with unit_of_work(leaving_out=answers.missing):
        for store in answers.given.values():
            store()
    answers.raise_first_error()
    return payments


@transaction.atomic
def _request_stops(reasons: Mapping[UUID, str]) -> list[Payment]:
    """Commit the intent to stop payments; orders without a payment get a voided one."""
    tombstones = [Payment.tombstone(order_id, reason=reason) for order_id, reason in reasons.items()]
    new, known = repository.add_or_lock(tombstones)
    for payment in new:
        outcomes.publish_voided(payment)
    for payment in known:
        if payment.has_failed and not payment.stop_requested:
            outcomes.publish_voided(payment)
        if payment.awaits_other_means:
            payment.void()
        payment.request_stop(reason=reasons[payment.order_id])
    repository.store_all(known)
    return [*new, *known]


def _cancel_together(payments: Mapping[UUID, Payment]) -> dict[UUID, _Store]:
    """Cancel what takes one call each; a former attempt has to be ended first."""
    wanted = {
        order_id: payment
        for order_id, payment in payments.items()
        if payment.is_cancellable and not (payment.is_open and has_open_former(payment))
    }
    charges = gateway_calls.cancel_together(wanted)
    return {order_id: partial(_record, wanted[order_id], charge) for order_id, charge in charges.items()}


def _end(payment: Payment) -> _Store:
    """Cancel or refund a payment."""
    if payment.is_captured:
        return request_refund(order_id=payment.order_id, reason=payment.stop_reason)
    if payment.is_open and (count := cancel_former(payment)):
        return count  # it was taken, and is refunded
    return partial(_record, payment, gateway_calls.cancel(payment))


def _record(seen: Payment, charge: Charge) -> None:
    if charge.status != ChargeStatus.CANCELED:
        outcomes.record_answer(seen, charge)  # the customer was faster, or was refused
        return
    payment = repository.lock(seen.order_id)
    if payment.is_cancellable:
        take_off_hold(payment, captured=Decimal(0))
        payment.void()
        repository.store(payment)
        outcomes.publish_voided(payment)
