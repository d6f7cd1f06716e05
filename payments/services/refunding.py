"""Refunds of payments: requested, carried on, retried, given back otherwise, and learnt from the provider."""

import logging
from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import partial
from uuid import UUID

from django.db import transaction

from payments import gateway_calls, repository
from payments.gateway import GatewayTimeout, GatewayUnavailable, GivenBack, ProviderRefund, RefundStatus
from payments.models import Payment, Refund
from payments.outcomes import refunds as outcomes
from shop.messaging.errors import TooEarly
from shop.messaging.publishing import unit_of_work

logger = logging.getLogger("shop.payments")


def request_refund(*, order_id: UUID, reason: str) -> Callable[[], Refund | None]:
    """Request the refund of what is left of an order's payment. Idempotent, also across reasons.

    Returns:
        The function that stores the answer in a unit of work, and publishes PaymentRefunded or RefundFailed;
        neither while the refund is pending.

    Raises:
        GatewayTimeout, GatewayUnavailable: the outcome is unknown; call again.
    """
    refund = _add_refund(order_id, reason)
    if refund is None or not refund.is_open:
        return lambda: refund
    answer, given = _ask_for(refund)
    return partial(outcomes.record_refund, refund, answer, given)


def _ask_for(refund: Refund) -> tuple[ProviderRefund, Sequence[GivenBack]]:
    """Request a refund; after a refusal, ask what the provider has given back already."""
    answer = gateway_calls.request_refund(refund)
    refused = answer.status == RefundStatus.FAILED
    return answer, gateway_calls.find_refunds(refund.payment.reference) if refused else ()


def _add_refund(order_id: UUID, reason: str) -> Refund | None:
    """Commit the intent to refund a payment, unless the shop wants it refunded already."""
    with transaction.atomic():
        payment = repository.lock(order_id)
        if not payment.is_captured:
            return None
        wanted = payment.refunds.exclude(channel=Refund.Channel.PROVIDER)
        own = wanted.exclude(reason=Refund.REQUESTED_PART).first()
        if own or (payment.amount and not payment.refundable):
            return own
        return repository.add_refund(Refund.of(payment, reason=reason))


def refund_part(*, order_id: UUID, refund_id: UUID, amount: Decimal) -> Refund:
    """Give back the part of an order's payment that staff requested. Idempotent by the id of the request.

    Publishes PaymentRefunded or RefundFailed; neither while the refund is pending. A part of what is only
    held waits for the capture, which takes less. More than can still be given back fails at once.

    Raises:
        GatewayTimeout, GatewayUnavailable: the outcome is unknown; call again.
        TooEarly: payments has not charged the order yet, or all that is held would be given back.
    """
    refund = _request_part(order_id, refund_id, amount)
    if not refund.is_open or refund.payment.is_held:
        return refund
    answer, given = _ask_for(refund)
    with unit_of_work():
        return outcomes.record_refund(refund, answer, given)


def _request_part(order_id: UUID, refund_id: UUID, amount: Decimal) -> Refund:
    """Commit the intent to give a part back; what cannot be given back is refused.

    The intent is no unit of work: its event counts as consumed once the outcome is stored.
    """
    with transaction.atomic():
        payment = repository.lock(order_id)
        if known := _known_part(payment, refund_id):
            return known
        refund = Refund.part(payment, refund_id=refund_id, amount=amount)
        if _can_be_given(payment, amount):
            return repository.add_refund(refund)
    with unit_of_work():
        payment = repository.lock(order_id)
        known = _known_part(payment, refund_id)
        return known or outcomes.refuse(Refund.part(payment, refund_id=refund_id, amount=amount))


def _known_part(payment: Payment, refund_id: UUID) -> Refund | None:
    """Return the refund of a part that was taken up before; TooEarly without a charge."""
    if payment.is_open:
        raise TooEarly(f"payments has not charged order {payment.order_id} yet")
    return payment.refunds.filter(pk=refund_id).first()


def _can_be_given(payment: Payment, amount: Decimal) -> bool:
    """Tell whether as much is left; TooEarly if that is all of what is only held."""
    if not (payment.is_held or payment.is_captured) or amount > payment.refundable:
        return False
    if payment.is_held and amount == payment.refundable:
        raise TooEarly(
            f"all of the money of order {payment.order_id} is to be given back, and it is not taken yet"
        )
    return True


def check_refund(*, refund_id: UUID) -> Refund:
    """Carry an open refund on. While it has no outcome, or during an outage, schedule the next check."""
    refund = Refund.objects.select_related("payment").get(pk=refund_id)
    if not refund.is_open or refund.payment.is_held:
        return refund
    try:
        answer, given = _ask_for(refund)
    except (GatewayTimeout, GatewayUnavailable) as error:
        logger.warning("refund %s is checked again later: %r", refund.id, error)
        answer, given = None, ()
    with unit_of_work():
        if answer:
            return outcomes.record_refund(refund, answer, given)
        outcomes.check_refund_later(refund)
        return refund


def retry_refund(*, refund_id: UUID) -> Refund:
    """Request a failed refund again, for an operator. A worker carries it out.

    Raises:
        NotRetryable: the refund has not failed, or so much cannot be given back any more.
    """
    with transaction.atomic():
        refund = repository.lock_refund(refund_id)
        refund.retry()
        repository.store_refund(refund)
        outcomes.check_refund_now(refund)
    return refund


@unit_of_work()
def give_back_otherwise(*, refund_id: UUID, reason: str) -> Refund:
    """Record that an operator gave a failed refund back without the provider; publishes PaymentRefunded.

    Raises:
        NotGivenBack: the refund has not failed, the reason is empty, or as much is not left any more.
    """
    refund = repository.lock_refund(refund_id)
    refund.give_otherwise(reason)
    outcomes.give_back(refund)
    return refund


def learn_refunds(*, order_id: UUID) -> list[Refund]:
    """Take over what the provider has given back of an order's payment without the shop's knowledge.

    Publishes PaymentRefunded for each.

    Raises:
        GatewayTimeout, GatewayUnavailable: the provider does not say; call again.
    """
    given = gateway_calls.find_refunds(Payment.objects.get(order_id=order_id).reference)
    with unit_of_work():
        return outcomes.take_over(repository.lock(order_id), given)


def resume_refund_checks(*, refund_id: UUID) -> Refund:
    """Schedule a check of an open refund whose reminder was lost."""
    with transaction.atomic():
        refund = repository.lock_refund(refund_id)
        if refund.is_open:
            outcomes.check_refund_now(refund)
    return refund
