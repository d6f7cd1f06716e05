"""Disputes as the provider has them, stored and published in the caller's unit of work."""

from collections.abc import Iterable

from payments.disputes import DisputeStatus, ProviderDispute
from payments.events import DisputeClosed, PaymentDisputed
from payments.models import Dispute, Payment
from shop.messaging.publishing import publish


def record_disputes(payment: Payment, known: Iterable[ProviderDispute]) -> None:
    """Store the disputes of a locked payment, and publish those that are new or have ended."""
    stored = {dispute.reference: dispute for dispute in Dispute.objects.filter(payment=payment)}
    for one in known:
        _record(stored.get(one.reference) or Dispute(payment=payment, reference=one.reference), one)


def _record(dispute: Dispute, known: ProviderDispute) -> None:
    is_new, was_closed = dispute._state.adding, dispute.is_closed
    dispute.take(known)
    dispute.save()
    payment = dispute.payment
    if is_new:
        publish(
            PaymentDisputed(
                order_id=payment.order_id, payment_id=payment.id, amount=dispute.money, reason=dispute.reason
            )
        )
    if dispute.is_closed and not was_closed:
        won = dispute.status == DisputeStatus.WON
        publish(DisputeClosed(order_id=payment.order_id, payment_id=payment.id, won=won))
