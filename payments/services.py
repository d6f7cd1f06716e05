"""Services of payments: charge customers, refund payments, stop them.

Each service commits its intent, calls the gateway outside of transactions, under a key derived from the
intent, and records the answer in a unit of work with the event. It starts from the stored state, so that it
may run again after a crash at any point. The payment's row lock orders all changes of a payment and its
refunds.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from payments import gateway_calls, outcomes, repository
from payments.gateway import (
    ChargeStatus,
    GatewayTimeout,
    GatewayUnavailable,
    GivenBack,
    ProviderRefund,
    RefundStatus,
)
from payments.models import Payment, Refund, capture_key
from shop.messaging.contracts import Money
from shop.messaging.publishing import unit_of_work

logger = logging.getLogger("shop.payments")


# --- Charging --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Bill:
    """Amount that the customer of an order is charged."""

    order_id: UUID
    order_number: str
    amount: Money
    #: The provider's token of the means of payment.
    payment_method: str


def charge_customers(*, bills: Sequence[Bill]) -> None:
    """Charge the customers of orders. Idempotent: each is charged once.

    Publishes PaymentProcessed, PaymentFailed or, if the order was stopped before the charge, PaymentVoided.
    A payment that is stopped during the charge is refunded.

    Raises:
        GatewayTimeout, GatewayUnavailable: some outcomes are unknown; call again.
    """
    known = repository.add_new([_payment(bill) for bill in bills])
    payments = {payment.order_id: payment for payment in known if payment.is_open}
    charges = gateway_calls.charge_each(payments)
    with unit_of_work(leaving_out=charges.missing):
        outcomes.record_charges((payments[order_id], charge) for order_id, charge in charges.given.items())
    charges.raise_first_error()


def _payment(bill: Bill) -> Payment:
    return Payment(
        order_id=bill.order_id,
        order_number=bill.order_number,
        idempotency_key=capture_key(bill.order_id),
        amount=bill.amount.amount,
        currency=bill.amount.currency,
        method=bill.payment_method,
    )


def reconcile_payment(*, order_id: UUID) -> Payment:
    """Record the gateway's outcome of an open payment whose consumer has stopped working on it.

    Publishes the events of charge_customers(). A payment that is to be stopped is cancelled at the gateway,
    or refunded if it was charged. One that is unknown to the gateway stays open.

    Raises:
        GatewayTimeout, GatewayUnavailable: the outcome is unknown; call again.
    """
    payment = Payment.objects.get(order_id=order_id)
    if not payment.is_open:
        return payment
    if charge := gateway_calls.find_or_cancel_charge(payment):
        with unit_of_work():
            outcomes.record_charges([(payment, charge)])
        payment.refresh_from_db()
    return payment


# --- Stopping --------------------------------------------------------------------------------


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
    elif payment.state == Payment.State.FAILED:
        with unit_of_work():
            outcomes.publish_voided(payment)
    return payment


def _request_stop(order_id: UUID, reason: str) -> Payment:
    """Commit the intent to stop a payment; an order without a payment gets a voided one."""
    with transaction.atomic():
        payment, is_new = repository.lock_or_add(Payment.tombstone(order_id, reason=reason))
        if is_new:
            outcomes.publish_voided(payment)
        else:
            payment.request_stop(reason=reason)
            repository.store(payment)
    return payment


def _cancel_charge(payment: Payment) -> None:
    charge = gateway_calls.cancel_charge(payment)
    if charge.status == ChargeStatus.CANCELED:
        with unit_of_work():
            outcomes.record_charges([(payment, charge)])


# --- Refunding -------------------------------------------------------------------------------


def refund_payment(*, order_id: UUID, reason: str) -> Refund | None:
    """Refund what is left of an order's payment. Idempotent, also across reasons. None if nothing is.

    Publishes PaymentRefunded or RefundFailed; neither while the refund is pending.

    Raises:
        GatewayTimeout, GatewayUnavailable: the outcome is unknown; call again.
        TooEarly: payments has not heard of the order.
    """
    refund = _request_refund(order_id, reason)
    if refund is None or not refund.is_open:
        return refund
    answer, given = _ask_for(refund)
    with unit_of_work():
        return outcomes.record_refund(refund, answer, given)


def _ask_for(refund: Refund) -> tuple[ProviderRefund, Sequence[GivenBack]]:
    """Request a refund; after a refusal, ask what the provider has given back already."""
    answer = gateway_calls.request_refund(refund)
    refused = answer.status == RefundStatus.FAILED
    return answer, gateway_calls.find_refunds(refund.payment) if refused else ()


def _request_refund(order_id: UUID, reason: str) -> Refund | None:
    """Commit the intent to refund a payment, unless the shop wants it refunded already."""
    with transaction.atomic():
        payment = repository.lock(order_id)
        if payment.state != Payment.State.SUCCEEDED:
            return None
        own = payment.refunds.exclude(channel=Refund.Channel.PROVIDER).first()
        if own or (payment.amount_refunded and not payment.left):
            return own
        return repository.add_refund(Refund.of(payment, reason=reason))


def check_refund(*, refund_id: UUID) -> Refund:
    """Carry an open refund on. While it has no outcome, or during an outage, schedule the next check."""
    refund = Refund.objects.get(pk=refund_id)
    if not refund.is_open:
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
        NotRetryable: the refund has not failed.
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
        NotGivenBack: the refund has not failed, or the reason is empty.
    """
    refund = repository.lock_refund(refund_id)
    refund.give_otherwise(reason)
    repository.store_refund(refund)
    outcomes.give_back(refund)
    return refund


def learn_refunds(*, order_id: UUID) -> list[Refund]:
    """Take over what the provider has given back of an order's payment without the shop's knowledge.

    Publishes PaymentRefunded for each.

    Raises:
        GatewayTimeout, GatewayUnavailable: the provider does not say; call again.
    """
    given = gateway_calls.find_refunds(Payment.objects.get(order_id=order_id))
    with unit_of_work():
        return outcomes.take_over(repository.lock(order_id), given)


def resume_refund_checks(*, refund_id: UUID) -> Refund:
    """Schedule a check of an open refund whose reminder was lost."""
    with transaction.atomic():
        refund = repository.lock_refund(refund_id)
        if refund.is_open:
            outcomes.check_refund_now(refund)
    return refund
