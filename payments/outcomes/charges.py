"""Outcomes of charges, stored and published in the caller's unit of work."""

from collections.abc import Iterable

from payments import repository
from payments.events import PaymentFailed, PaymentProcessed, PaymentVoided, Refusal
from payments.gateway import Charge, ChargeStatus
from payments.models import Payment, Refund
from payments.outcomes.refunds import check_refund_now
from shop.messaging.publishing import publish
from shop.privacy.data_keys import DataKey
from shop.privacy.order_keys import keys_of_orders
from shop.privacy.sealing import sealed


def record_charges(charges: Iterable[tuple[Payment, Charge]]) -> None:
    """Store and publish the charges of open payments, except where an outcome is stored already."""
    payments = []
    for payment, charge in charges:
        _apply(payment, charge)
        payments.append(payment)
    stored = repository.store_outcomes(payments)
    keys = keys_of_orders([payment.order_id for payment in stored if payment.has_failed])
    for payment in stored:
        if payment.has_failed:
            _publish_failed(payment, keys.get(payment.order_id))
        else:
            _PUBLISH[Payment.State(payment.state)](payment)


def publish_voided(payment: Payment) -> None:
    """Publish that nothing was charged, and that nothing will be."""
    publish(PaymentVoided(order_id=payment.order_id, payment_id=payment.id))


def _apply(payment: Payment, charge: Charge) -> None:
    if charge.status == ChargeStatus.SUCCEEDED:
        payment.succeed(reference=charge.reference)
    elif charge.status == ChargeStatus.DECLINED:
        payment.fail(reference=charge.reference, code=charge.code, message=charge.message)
    else:
        payment.void()


def _publish_processed(payment: Payment) -> None:
    """Publish a charge, and refund it if the payment was stopped meanwhile."""
    if payment.stop_requested:
        check_refund_now(repository.add_refund(Refund.of(payment, reason=payment.stop_reason)))
    publish(PaymentProcessed(order_id=payment.order_id, payment_id=payment.id, amount=payment.money))


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


_PUBLISH = {
    Payment.State.SUCCEEDED: _publish_processed,
    Payment.State.VOIDED: publish_voided,
}
