"""Notices of the provider: looked into by asking it, whatever they say and in whatever order they come."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.utils import timezone

from payments import gateway_calls, repository
from payments.disputes import ProviderDispute
from payments.gateway import Charge, ChargeStatus, GivenBack, notices_since
from payments.models import Payment
from payments.outcomes import captures, disputes, refunds
from payments.outcomes import payments as outcomes
from payments.services.attempting import has_open_former
from shop.messaging.publishing import unit_of_work
from shop.webhooks import notices
from shop.webhooks.endpoints import endpoint_of

#: Name of the provider's endpoint.
PROVIDER = "stripe"
#: Time before the last asking that is asked about again: an event may show up late in the provider's list.
OVERLAP = timedelta(hours=1)
#: Time that is asked about at first.
AT_FIRST = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class _Answers:
    """The provider's present state of what a notice is about."""

    charge: Charge | None
    given: Sequence[GivenBack]
    disputes: Sequence[ProviderDispute]


def look_into(*, notice_id: UUID) -> None:
    """Record the present state of the payment that a notice is about: its outcome, refunds and disputes.

    What a notice says of a state is not believed: it may be old. A payment of others, who use the same
    account at the provider, is left alone.

    Raises:
        GatewayTimeout, GatewayUnavailable: the provider does not say; call again.
        TooEarly: its hold is about to be replaced by a renewal.
    """
    notice = notices.find(notice_id)
    payment = _payment_of(notice.about) if notice else None
    answers = _ask(payment, notice.kind) if notice and payment else None
    with unit_of_work():
        if payment and answers:
            _record(payment, answers)
        notices.mark_as_worked(notice_id)


def _payment_of(reference: str) -> Payment | None:
    """Return the payment of a charge; one that is not recorded yet is found by the provider."""
    if known := Payment.objects.filter(reference=reference).first():
        return known
    order_id = gateway_calls.find_order(reference)
    return Payment.objects.filter(order_id=order_id).first() if order_id else None


def _ask(payment: Payment, kind: str) -> _Answers:
    """Ask for what may have changed; after a dispute also for refunds, for a lost one gives money back."""
    if payment.is_open and has_open_former(payment):
        return _Answers(None, (), ())  # the attempt under way ends it first
    is_under_way = payment.is_open or payment.awaits_customer or payment.is_held
    charge = gateway_calls.find_or_cancel(payment) if is_under_way else None
    reference = payment.reference or (charge.reference if charge else "")
    is_dispute = ".dispute." in kind
    given = gateway_calls.find_refunds(reference) if is_dispute or "refund" in kind else ()
    return _Answers(charge, given, gateway_calls.find_disputes(reference) if is_dispute else ())


def _record(payment: Payment, answers: _Answers) -> None:
    if payment.is_open and answers.charge:
        outcomes.record([(payment, answers.charge)])
    elif payment.awaits_customer and answers.charge:
        outcomes.record_answer(payment, answers.charge)
    elif answers.charge and answers.charge.status != ChargeStatus.REQUIRES_CAPTURE:
        captures.record([(payment, answers.charge)])  # taken or let go by a person at the provider
    if not (answers.given or answers.disputes):
        return
    locked = repository.lock(payment.order_id)
    disputes.record_disputes(locked, answers.disputes)
    refunds.take_over(locked, answers.given)
    for refund in locked.refunds.all():
        if refund.is_open:
            refund.payment = locked
            refunds.check_refund_now(refund)


def receive_missed_notices() -> int:
    """Ask the provider for the notices since the last asking, and receive those that never came.

    Returns:
        The number of notices that had been missed.

    Raises:
        GatewayTimeout, GatewayUnavailable: the provider does not say; nothing is lost, ask again.
    """
    endpoint = endpoint_of(PROVIDER)
    if endpoint is None:
        return 0
    now = timezone.now()
    since = (notices.asked_until(PROVIDER) or now - AT_FIRST) - OVERLAP
    missed = sum(
        notices.receive(PROVIDER, notice, body, endpoint=endpoint) for notice, body in notices_since(since)
    )
    notices.note_asked(PROVIDER, until=now)
    return missed
