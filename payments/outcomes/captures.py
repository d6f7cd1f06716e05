"""Outcomes of captures, stored and published in the caller's unit of work."""

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal

from payments import repository
from payments.events import CaptureDue, CaptureFailed, CaptureRecovered, PaymentCaptured
from payments.gateway import Charge, ChargeStatus, GatewayTimeout
from payments.models import Payment, Refund
from payments.outcomes.payments import publish_voided
from payments.outcomes.refunds import check_refund_now, take_off_hold
from shop.messaging.publishing import publish
from shop.messaging.scheduling import schedule


def record(charges: Iterable[tuple[Payment, Charge]]) -> None:
    """Store and publish the outcomes of captures, except where one is stored already."""
    answers, taken, failed_before = list(charges), [], set()
    if len(answers) > 1 and any(charge.captured != payment.amount for payment, charge in answers):
        # Failures and parts are locked one by one before the others, and that is not the order of all.
        repository.lock_all([payment.order_id for payment, _ in answers])
    for payment, charge in answers:
        if charge.status != ChargeStatus.SUCCEEDED:
            _record_failure(payment, charge)
            continue
        if charge.captured != payment.amount:
            _record_part(payment, charge)
            continue
        if payment.has_failed_before:
            failed_before.add(payment.order_id)
        payment.succeed(reference=charge.reference, captured=charge.captured)
        taken.append(payment)
    for payment in repository.store_captures(taken):
        _publish_captured(payment, recovers=payment.order_id in failed_before)


def publish_failed(payment: Payment) -> None:
    """Publish that the amount cannot be taken."""
    publish(
        CaptureFailed(
            order_id=payment.order_id,
            payment_id=payment.id,
            amount=payment.money,
            code=payment.failure_code,
        )
    )


def capture_now(payment: Payment) -> None:
    """Schedule a capture, as soon as the transaction commits."""
    schedule(CaptureDue(order_id=payment.order_id), at=datetime.now(UTC))


def _record_part(seen: Payment, charge: Charge) -> None:
    """Record a capture of less than was held: parts of it were to be refunded."""
    payment = repository.lock(seen.order_id)
    if not payment.is_held:
        return
    recovers = payment.has_failed_before
    take_off_hold(payment, captured=charge.captured)
    payment.succeed(reference=charge.reference, captured=charge.captured)
    repository.store(payment)
    _publish_captured(payment, recovers=recovers)


def _record_failure(seen: Payment, charge: Charge) -> None:
    payment = repository.lock(seen.order_id)
    if payment.is_held and payment.capture_key != seen.capture_key:
        raise GatewayTimeout(f"{seen.capture_key} is out of date: capture again")
    if not payment.is_capturable:
        return
    if charge.status != ChargeStatus.REQUIRES_CAPTURE:
        take_off_hold(payment, captured=Decimal(0))
    if charge.status == ChargeStatus.CANCELED and payment.stop_requested:
        payment.void()
        repository.store(payment)
        publish_voided(payment)
        return
    code = charge.code or charge.status.value
    if charge.status == ChargeStatus.REQUIRES_CAPTURE:
        payment.refuse_capture(code=code, message=charge.message)
    else:
        payment.fail(reference=charge.reference, code=code, message=charge.message)
    repository.store(payment)
    publish_failed(payment)


def _publish_captured(payment: Payment, *, recovers: bool) -> None:
    """Publish a capture, and give back what is due: parts that were requested meanwhile, or all of it."""
    if payment.amount_refund_open:
        for refund in payment.refunds.filter(state__in=Refund.OPEN):
            refund.payment = payment
            check_refund_now(refund)
    if payment.stop_requested:
        check_refund_now(repository.add_refund(Refund.of(payment, reason=payment.stop_reason)))
    publish(PaymentCaptured(order_id=payment.order_id, payment_id=payment.id, amount=payment.captured))
    if recovers:
        publish(CaptureRecovered(order_id=payment.order_id, payment_id=payment.id))
