"""Outcomes of authorisations and stops, stored and published in the caller's unit of work."""

from collections.abc import Iterable, Sequence

from django.conf import settings
from django.utils import timezone

from payments import repository
from payments.confirmation import CANCELED
from payments.events import (
    Confirmation,
    PaymentActionRequired,
    PaymentCheckDue,
    PaymentDeclined,
    PaymentFailed,
    PaymentProcessed,
    PaymentStopDue,
    PaymentVoided,
    Refusal,
)
from payments.gateway import Charge, ChargeStatus
from payments.models import Payment, Refund
from payments.outcomes.refunds import check_refund_now
from shop.messaging.publishing import publish
from shop.messaging.scheduling import schedule
from shop.privacy.data_keys import DataKey
from shop.privacy.order_keys import keys_of_orders
from shop.privacy.sealing import sealed

#: Message of a payment that a person cancelled at the provider.
_CANCELED = "The payment was cancelled."


def record(charges: Iterable[tuple[Payment, Charge]]) -> None:
    """Store and publish the outcomes of open payments, except where an outcome is stored already."""
    payments = []
    for payment, charge in charges:
        _apply(payment, charge)
        payments.append(payment)
    _publish(repository.store_outcomes(payments))


def record_answer(seen: Payment, charge: Charge) -> None:
    """Store and publish the outcome of a payment that the customer had to confirm, unless it is stored.

    While the customer has done neither, schedule the next check.
    """
    payment = repository.lock(seen.order_id)
    if not payment.awaits_customer or payment.idempotency_key != seen.idempotency_key:
        return
    if charge.status == ChargeStatus.REQUIRES_ACTION:
        check_later(payment)
        return
    if charge.status == ChargeStatus.CANCELED and not payment.stop_requested:
        code, message = charge.code or CANCELED, charge.message or _CANCELED
        payment.fail(reference=charge.reference, code=code, message=message)
    else:
        _apply(payment, charge)
    repository.store(payment)
    _publish([payment])


def record_former(seen: Payment, charge: Charge) -> None:
    """Store and publish that the money of a former attempt is taken, in place of the present one's."""
    payment = repository.lock(seen.order_id)
    if payment.is_open and payment.attempt == seen.attempt:
        payment.succeed(reference=charge.reference, captured=charge.captured)
        repository.store(payment)
        _publish([payment])


def check_later(payment: Payment) -> None:
    """Schedule a check of a payment that the customer has to confirm: a notice may be lost."""
    at = timezone.now() + settings.SHOP_PAYMENT_CHECK_INTERVAL
    schedule(PaymentCheckDue(order_id=payment.order_id), at=at)


def publish_voided(payment: Payment) -> None:
    """Publish that nothing was taken, and that nothing will be."""
    publish(PaymentVoided(order_id=payment.order_id, payment_id=payment.id))


def _publish(stored: Sequence[Payment]) -> None:
    with_words = [one.order_id for one in stored if one.has_failed or one.awaits_customer]
    keys = keys_of_orders(with_words)
    for payment in stored:
        if payment.awaits_other_means:
            _publish_declined(payment, keys.get(payment.order_id))
        elif payment.has_failed:
            _publish_failed(payment, keys.get(payment.order_id))
        elif payment.awaits_customer:
            _publish_action_required(payment, keys.get(payment.order_id))
        elif payment.is_held or payment.is_captured:
            _publish_processed(payment)
        else:
            publish_voided(payment)


def _apply(payment: Payment, charge: Charge) -> None:
    if charge.status == ChargeStatus.REQUIRES_ACTION:
        payment.await_customer(reference=charge.reference, confirm_url=charge.confirm_url)
    elif charge.status == ChargeStatus.REQUIRES_CAPTURE:
        payment.hold(reference=charge.reference, until=timezone.now() + settings.SHOP_AUTHORISATION_PERIOD)
    elif charge.status == ChargeStatus.SUCCEEDED:
        payment.succeed(reference=charge.reference, captured=payment.amount)
    elif charge.status == ChargeStatus.DECLINED:
        payment.fail(reference=charge.reference, code=charge.code, message=charge.message)
    else:
        payment.void()


def _publish_processed(payment: Payment) -> None:
    """Publish that the amount is held or taken, and undo it if the payment was stopped meanwhile."""
    if payment.stop_requested and payment.is_captured:
        check_refund_now(repository.add_refund(Refund.of(payment, reason=payment.stop_reason)))
    elif payment.stop_requested:
        schedule(PaymentStopDue(order_id=payment.order_id), at=timezone.now())
    publish(
        PaymentProcessed(
            order_id=payment.order_id,
            payment_id=payment.id,
            amount=payment.money,
            captured=payment.is_captured,
        )
    )


def _publish_action_required(payment: Payment, key: DataKey | None) -> None:
    """Publish that the customer has to confirm, unless the payment was stopped meanwhile: then cancel it."""
    if payment.stop_requested:
        schedule(PaymentStopDue(order_id=payment.order_id), at=timezone.now())
        return
    page = Confirmation(confirm_url=payment.confirm_url)
    publish(
        PaymentActionRequired(
            order_id=payment.order_id,
            payment_id=payment.id,
            attempt=payment.attempt,
            **sealed(PaymentActionRequired, key, personal=page),
        )
    )
    check_later(payment)


def _publish_declined(payment: Payment, key: DataKey | None) -> None:
    words = Refusal(message=payment.failure_message)
    publish(
        PaymentDeclined(
            order_id=payment.order_id,
            payment_id=payment.id,
            attempt=payment.attempt,
            code=payment.failure_code,
            **sealed(PaymentDeclined, key, personal=words),
        )
    )


def _publish_failed(payment: Payment, key: DataKey | None) -> None:
    words = Refusal(message=payment.failure_message)
    publish(
        PaymentFailed(
            order_id=payment.order_id,
            payment_id=payment.id,
            code=payment.failure_code,
            **sealed(PaymentFailed, key, personal=words),
        )
    )
