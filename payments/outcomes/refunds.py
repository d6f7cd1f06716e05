"""Outcomes of refunds, stored and published in the caller's unit of work.

A refund without an outcome gets a reminder, upon which the gateway is asked again.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from django.conf import settings

from payments import repository
from payments.events import PaymentRefunded, RefundCheckDue, RefundFailed
from payments.gateway import GivenBack, ProviderRefund, RefundStatus
from payments.models import Payment, Refund
from shop.messaging.contracts import Money
from shop.messaging.publishing import publish
from shop.messaging.scheduling import schedule


def record_refund(attempt: Refund, answer: ProviderRefund, given: Sequence[GivenBack] = ()) -> Refund:
    """Store and publish the answer to one attempt at a refund, unless the refund has moved on since.

    What the provider has ``given`` back comes before a refusal: it may be the reason for it.
    """
    refund = repository.lock_refund(attempt.id)
    if not refund.is_open or refund.idempotency_key != attempt.idempotency_key:
        return refund
    if answer.status == RefundStatus.FAILED and take_over(refund.payment, given):
        return refund.payment.refunds.get(pk=refund.pk)
    refund.become(answer.status.value, reference=answer.reference, failure_code=answer.code)
    repository.store_refund(refund)
    if answer.status == RefundStatus.SUCCEEDED:
        give_back(refund)
    elif answer.status == RefundStatus.FAILED:
        _publish_refund_failed(refund)
    else:
        check_refund_later(refund)
    return refund


def take_over(payment: Payment, given: Iterable[GivenBack]) -> list[Refund]:
    """Record and publish what the provider has given back of a locked payment and payments does not know.

    It serves the refund that the shop wants itself, if there is one. More than was charged is left out.
    """
    known = set(payment.refunds.filter(state=Refund.State.SUCCEEDED).values_list("reference", flat=True))
    return [
        _take_over(payment, one)
        for one in given
        if one.status == RefundStatus.SUCCEEDED
        and one.reference not in known
        and 0 < one.amount.amount <= payment.left
    ]


def _take_over(payment: Payment, given: GivenBack) -> Refund:
    own = payment.refunds.filter(channel=Refund.Channel.SHOP).exclude(state=Refund.State.SUCCEEDED).first()
    if own and own.amount == given.amount.amount:
        own.become(Refund.State.SUCCEEDED, reference=given.reference)
        repository.store_refund(own)
        refund = own
    else:
        refund = repository.add_refund(Refund.learnt(payment, given))
        if own:
            _reduce(own, given)
    refund.payment = payment
    give_back(refund)
    return refund


def _reduce(own: Refund, given: GivenBack) -> None:
    own.reduce(min(own.amount, given.amount.amount))
    repository.store_refund(own)
    if own.is_open:
        check_refund_now(own)


def check_refund_now(refund: Refund) -> None:
    """Schedule a check of an open refund, as soon as the transaction commits."""
    _schedule_check(refund, at=datetime.now(UTC))


def check_refund_later(refund: Refund) -> None:
    """Schedule the next check of an open refund."""
    _schedule_check(refund, at=datetime.now(UTC) + settings.SHOP_REFUND_CHECK_INTERVAL)


def _schedule_check(refund: Refund, *, at: datetime) -> None:
    schedule(RefundCheckDue(order_id=refund.payment.order_id, refund_id=refund.id), at=at)


def give_back(refund: Refund) -> None:
    """Count the refund in its payment and publish it."""
    payment = refund.payment
    payment.give_back(refund.amount)
    repository.store(payment)
    publish(
        PaymentRefunded(
            order_id=payment.order_id,
            payment_id=payment.id,
            refund_id=refund.id,
            amount=refund.money,
            left=Money.stored(payment.left, payment.currency),
            otherwise=refund.note,
        )
    )


def _publish_refund_failed(refund: Refund) -> None:
    publish(
        RefundFailed(
            order_id=refund.payment.order_id,
            payment_id=refund.payment_id,
            refund_id=refund.id,
            amount=refund.money,
            code=refund.failure_code,
        )
    )
