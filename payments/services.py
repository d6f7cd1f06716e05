"""What payments does: charge, refund, stop. Every step looks at the state first, so that it may run again.

The gateway is called between transactions: the intent is committed, the gateway asked under a key that
follows from it, its answer committed together with the event that tells of it. The payment's row lock
orders all that happens to a payment.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from operator import attrgetter
from uuid import UUID

from django.conf import settings
from django.db import transaction

from payments.events import (
    PaymentFailed,
    PaymentProcessed,
    PaymentRefunded,
    PaymentVoided,
    RefundCheckDue,
    RefundFailed,
)
from payments.gateway import (
    Charge,
    ChargeRequest,
    ChargeStatus,
    GatewayTimeout,
    GatewayUnavailable,
    ProviderRefund,
    RefundStatus,
    gateway,
)
from payments.models import Payment, Refund, capture_key
from shop.messaging.contracts import Money
from shop.messaging.errors import TooEarly
from shop.messaging.providers import call_each
from shop.messaging.publishing import publish, unit_of_work
from shop.messaging.scheduling import schedule
from shop.postgres.statements import insert_new

logger = logging.getLogger("shop.payments")


@dataclass(frozen=True, slots=True)
class Bill:
    """What the customer of an order is to be charged."""

    order_id: UUID
    order_number: str
    amount: Money
    #: The provider's token of the means of payment.
    payment_method: str


def charge_customers(*, bills: Sequence[Bill]) -> None:
    """Charge the customers of orders, each once, however often and from wherever it is called.

    Publishes PaymentProcessed, PaymentFailed or, if the order was stopped before the charge, PaymentVoided.
    A payment that was stopped while it was being charged is refunded.

    Raises:
        GatewayTimeout, GatewayUnavailable: some are not known yet, or not charged; call again.
    """
    open_payments = {
        payment.order_id: payment
        for payment in _begin_payments(bills)
        if payment.state == Payment.State.PROCESSING
    }
    charges = call_each(open_payments, _charge_or_cancel, call_together=_charge_many)
    with unit_of_work(leaving_out=charges.missing):
        _settle([(open_payments[order_id], charge) for order_id, charge in charges.given.items()])
    charges.raise_first_error()


def refund_payment(*, order_id: UUID, reason: str) -> Refund | None:
    """Give the whole payment of an order back, once, whoever asks how often and for whatever reason.

    Publishes PaymentRefunded or RefundFailed; neither while it is pending. None if nothing was charged.

    Raises:
        GatewayTimeout, GatewayUnavailable: not known yet, or not done; call again.
        TooEarly: payments has not heard of the order.
    """
    refund = _request_refund(order_id, reason)
    if refund is None or not refund.is_open:
        return refund
    outcome = _refund(refund)
    with unit_of_work():
        return _record_refund(refund, outcome)


def check_refund(*, refund_id: UUID) -> Refund:
    """Carry an open refund on, and look after it again later while it has no end: outages only delay it."""
    refund = Refund.objects.get(pk=refund_id)
    if not refund.is_open:
        return refund
    try:
        outcome = _refund(refund)
    except (GatewayTimeout, GatewayUnavailable) as error:
        logger.warning("refund %s is asked about again later: %r", refund.id, error)
        outcome = None
    with unit_of_work():
        return _record_refund(refund, outcome) if outcome else _check_later(refund)


def retry_refund(*, refund_id: UUID) -> Refund:
    """Ask for a failed refund again, as an operator wants it. A worker carries it out.

    Raises:
        NotRetryable: the refund has not failed.
    """
    with transaction.atomic():
        refund = _locked_refund(refund_id)
        refund.retry()
        _carry_out_soon(refund)
    return refund


def ask_about_payment(*, order_id: UUID) -> Payment:
    """Take over what the gateway knows of a payment that is still being made, though nobody makes it.

    Publishes what charge_customers() publishes. A payment that is to be stopped is cancelled at the
    gateway, or refunded if it was charged. One that the gateway does not know stays as it is.

    Raises:
        GatewayTimeout, GatewayUnavailable: not known yet; call again.
    """
    payment = Payment.objects.get(order_id=order_id)
    if payment.state != Payment.State.PROCESSING:
        return payment
    key = payment.idempotency_key
    charge = _cancel_charge(payment) if payment.stop_requested else gateway().find_charge(key=key)
    if charge:
        with unit_of_work():
            _settle([(payment, charge)])
        payment.refresh_from_db()
    return payment


def look_after_refund(*, refund_id: UUID) -> Refund:
    """Have a worker ask the gateway about an open refund that nobody looks after any more."""
    with transaction.atomic():
        refund = _locked_refund(refund_id)
        if refund.is_open:
            _carry_out_soon(refund)
    return refund


def stop_payment(*, order_id: UUID, reason: str) -> Payment:
    """See to it that the customer of a stopped order ends up without a charge, also if it comes late.

    Publishes PaymentVoided, if nothing was charged, else what a refund publishes. While a charge is
    being made and cannot be cancelled any more, who makes it sees that it was stopped.
    """
    payment = _request_stop(order_id, reason)
    if payment.state == Payment.State.SUCCEEDED:
        refund_payment(order_id=order_id, reason=reason)
    elif payment.state == Payment.State.PROCESSING:
        _stop_charge(payment)
    elif payment.state == Payment.State.FAILED:
        with unit_of_work():
            _tell_voided(payment)
    return payment


# --- Charging --------------------------------------------------------------------------------


def _begin_payments(bills: Sequence[Bill]) -> list[Payment]:
    """Commit the intents to charge; a payment that is there already stays as it is."""
    payments = [
        Payment(
            order_id=bill.order_id,
            order_number=bill.order_number,
            idempotency_key=capture_key(bill.order_id),
            amount=bill.amount.amount,
            currency=bill.amount.currency,
            method=bill.payment_method,
        )
        for bill in bills
    ]
    new = insert_new(sorted(payments, key=attrgetter("order_id")))
    if known := {bill.order_id for bill in bills}.difference(payment.order_id for payment in new):
        return sorted([*new, *Payment.objects.filter(order_id__in=known)], key=attrgetter("order_id"))
    return new


def _charge_or_cancel(payment: Payment) -> Charge:
    return _cancel_charge(payment) if payment.stop_requested else _charge(payment)


def _charge_many(payments: Mapping[UUID, Payment]) -> dict[UUID, Charge]:
    """The charges of those payments that the gateway could make in one call."""
    keys = {payment.idempotency_key: order_id for order_id, payment in payments.items()}
    wanted = [_request(payment) for payment in payments.values() if not payment.stop_requested]
    return {keys[key]: charge for key, charge in gateway().charge_many(wanted).items()}


def _request(payment: Payment) -> ChargeRequest:
    return ChargeRequest(payment.idempotency_key, payment.money, payment.method, payment.order_id)


def _charge(payment: Payment) -> Charge:
    try:
        return gateway().charge(**_request(payment)._asdict())
    except GatewayTimeout:
        return _found_charge(payment)


def _cancel_charge(payment: Payment) -> Charge:
    try:
        return gateway().cancel_charge(key=payment.idempotency_key)
    except GatewayTimeout:
        return _found_charge(payment)


def _found_charge(payment: Payment) -> Charge:
    """The charge that a call without an answer made; if there is none, it may still be under way."""
    charge = gateway().find_charge(key=payment.idempotency_key)
    if charge is None:
        raise GatewayTimeout(f"the gateway has not answered about {payment.idempotency_key}")
    return charge


def _settle(answers: Iterable[tuple[Payment, Charge]]) -> None:
    """Take over what the gateway says of open payments, but where somebody else did, and tell of it."""
    payments = []
    for payment, charge in answers:
        _take_over(payment, charge)
        payments.append(payment)
    for payment in Payment.store_outcomes(payments):
        _TELL[Payment.State(payment.state)](payment)


def _take_over(payment: Payment, charge: Charge) -> None:
    if charge.status == ChargeStatus.SUCCEEDED:
        payment.succeed(reference=charge.reference)
    elif charge.status == ChargeStatus.DECLINED:
        payment.fail(reference=charge.reference, code=charge.code, message=charge.message)
    else:
        payment.void()


def _tell_processed(payment: Payment) -> None:
    """Say that it was charged; what was stopped meanwhile is given back."""
    if payment.stop_requested:
        _carry_out_soon(Refund.of(payment, reason=payment.stop_reason))
    publish(PaymentProcessed(order_id=payment.order_id, payment_id=payment.id, amount=payment.money))


def _tell_failed(payment: Payment) -> None:
    publish(
        PaymentFailed(
            order_id=payment.order_id,
            payment_id=payment.id,
            code=payment.failure_code,
            message=payment.failure_message,
        )
    )


def _tell_voided(payment: Payment) -> None:
    publish(PaymentVoided(order_id=payment.order_id, payment_id=payment.id))


#: What is told of a payment that has come so far.
_TELL = {
    Payment.State.SUCCEEDED: _tell_processed,
    Payment.State.FAILED: _tell_failed,
    Payment.State.VOIDED: _tell_voided,
}


# --- Stopping --------------------------------------------------------------------------------


def _request_stop(order_id: UUID, reason: str) -> Payment:
    """Mark the payment as stopped; one that is not there yet becomes a tombstone, and that is the answer."""
    tombstone = {
        "idempotency_key": capture_key(order_id),
        "amount": Decimal(0),
        "currency": settings.SHOP_CURRENCY,
        "state": Payment.State.VOIDED,
        "stop_reason": reason,
    }
    with transaction.atomic():
        locked = Payment.objects.select_for_update()
        payment, created = locked.get_or_create(order_id=order_id, defaults=tombstone)
        if created:
            _tell_voided(payment)
        else:
            payment.request_stop(reason=reason)
    return payment


def _stop_charge(payment: Payment) -> None:
    """Void the payment if the gateway could cancel the charge; one that was made is settled by its maker."""
    charge = _cancel_charge(payment)
    if charge.status == ChargeStatus.CANCELED:
        with unit_of_work():
            _settle([(payment, charge)])


# --- Refunding -------------------------------------------------------------------------------


def _request_refund(order_id: UUID, reason: str) -> Refund | None:
    """Commit the intent to give a payment back; a refund that is there already is the one."""
    with transaction.atomic():
        try:
            payment = _locked_payment(order_id)
        except Payment.DoesNotExist:
            raise TooEarly(f"payments has not heard of order {order_id}") from None
        if payment.state != Payment.State.SUCCEEDED:
            return None
        return payment.refunds.first() or Refund.of(payment, reason=reason)


def _refund(refund: Refund) -> ProviderRefund:
    """Ask the gateway for the refund, or how it stands."""
    key, charge = refund.idempotency_key, refund.payment.reference
    known = gateway().find_refund(key=key) if refund.state == Refund.State.PENDING else None
    if known:
        return known
    try:
        return gateway().refund(key=key, charge=charge, amount=refund.money)
    except GatewayTimeout:
        found = gateway().find_refund(key=key)
        if found is None:
            raise
        return found


def _record_refund(asked: Refund, outcome: ProviderRefund) -> Refund:
    """Take over the gateway's answer to the attempt that was ``asked``, unless somebody else did."""
    refund = _locked_refund(asked.id)
    if not refund.is_open or refund.idempotency_key != asked.idempotency_key:
        return refund
    refund.become(outcome.status.value, reference=outcome.reference, failure_code=outcome.code)
    if outcome.status == RefundStatus.SUCCEEDED:
        _tell_refunded(refund)
    elif outcome.status == RefundStatus.FAILED:
        _tell_refund_failed(refund)
    else:
        _check_later(refund)
    return refund


def _tell_refunded(refund: Refund) -> None:
    payment = refund.payment
    payment.give_back(refund.amount)
    publish(
        PaymentRefunded(
            order_id=payment.order_id, payment_id=payment.id, refund_id=refund.id, amount=refund.money
        )
    )


def _tell_refund_failed(refund: Refund) -> None:
    publish(
        RefundFailed(
            order_id=refund.payment.order_id,
            payment_id=refund.payment_id,
            refund_id=refund.id,
            amount=refund.money,
            code=refund.failure_code,
        )
    )


def _carry_out_soon(refund: Refund) -> None:
    """Have a worker carry the refund out, as soon as this is committed."""
    _remind(refund, at=datetime.now(UTC))


def _check_later(refund: Refund) -> Refund:
    _remind(refund, at=datetime.now(UTC) + settings.SHOP_REFUND_CHECK_INTERVAL)
    return refund


def _remind(refund: Refund, *, at: datetime) -> None:
    schedule(RefundCheckDue(order_id=refund.payment.order_id, refund_id=refund.id), at=at)


# --- Locks -----------------------------------------------------------------------------------


def _locked_payment(order_id: UUID) -> Payment:
    return Payment.objects.select_for_update().get(order_id=order_id)


def _locked_refund(refund_id: UUID) -> Refund:
    """The refund, after its payment has been locked: always in this order."""
    payment = Payment.objects.select_for_update().get(refunds=refund_id)
    refund = payment.refunds.get(pk=refund_id)
    refund.payment = payment
    return refund
