"""Outcomes of refunds, stored and published in the caller's unit of work.

A refund without an outcome gets a reminder, upon which the gateway is asked again.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from operator import attrgetter

from django.conf import settings

from payments import repository
from payments.events import PaymentRefunded, RefundCheckDue, RefundFailed
from payments.gateway import GivenBack, ProviderRefund, RefundStatus
from payments.models import Payment, Refund
from shop.messaging.contracts import Money
from shop.messaging.publishing import publish
from shop.messaging.scheduling import schedule

#: Failure code of a part that is more than what can still be given back of its payment.
TOO_MUCH = "more_than_is_left"


def record_refund(attempt: Refund, answer: ProviderRefund, given: Sequence[GivenBack] = ()) -> Refund:
    """Store and publish the answer to one attempt at a refund, unless the refund has moved on since.

    What the provider has ``given`` back comes before a refusal: it may be the reason for it.
    """
    refund = repository.lock_refund(attempt.id)
    if not refund.is_open or refund.idempotency_key != attempt.idempotency_key:
        return refund
    if answer.status == RefundStatus.FAILED and take_over(refund.payment, given):
        refund.refresh_from_db(fields=Refund.CHANGEABLE)
        if not refund.is_open or refund.idempotency_key != attempt.idempotency_key:
            return refund
    refund.become(answer.status.value, reference=answer.reference, failure_code=answer.code)
    if answer.status == RefundStatus.SUCCEEDED:
        give_back(refund)
    elif answer.status == RefundStatus.FAILED:
        fail(refund)
    else:
        repository.store_refund(refund)
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
    refund = _served_by(payment, given)
    if refund:
        refund.become(Refund.State.SUCCEEDED, reference=given.reference)
    else:
        _make_room(payment, given.amount.amount)
        refund = repository.add_refund(Refund.learnt(payment, given))
    give_back(refund)
    return refund


def _served_by(payment: Payment, given: GivenBack) -> Refund | None:
    """Return the wanted refund that the provider made: by its key, or else, made by hand, by its amount."""
    wanted = _wanted(payment)
    by_key = (own for own in wanted if own.idempotency_key == given.key)
    by_amount = (own for own in wanted if own.amount == given.amount.amount)
    return next(by_key, None) or next(by_amount, None)


def _make_room(payment: Payment, amount: Decimal) -> None:
    """Take what was given back off the refund of all that is left; give up parts that do not fit any more."""
    for own in _wanted(payment):
        if not own.is_part:
            own.reduce(min(own.amount, amount))
            repository.store_refund(own)
            if own.is_open:
                check_refund_now(own)
        elif own.state == Refund.State.REQUESTED and payment.refundable < amount:
            own.become(Refund.State.FAILED, reference="", failure_code=TOO_MUCH)
            fail(own)


def _wanted(payment: Payment) -> list[Refund]:
    """Return what the shop wants refunded: first all that was left, then parts, the newest first."""
    wanted = payment.refunds.filter(channel=Refund.Channel.SHOP).exclude(state=Refund.State.SUCCEEDED)
    refunds = sorted(wanted.order_by("-id"), key=attrgetter("is_part"))
    for refund in refunds:
        refund.payment = payment
    return refunds


def check_refund_now(refund: Refund) -> None:
    """Schedule a check of an open refund, as soon as the transaction commits."""
    _schedule_check(refund, at=datetime.now(UTC))


def check_refund_later(refund: Refund) -> None:
    """Schedule the next check of an open refund."""
    _schedule_check(refund, at=datetime.now(UTC) + settings.SHOP_REFUND_CHECK_INTERVAL)


def _schedule_check(refund: Refund, *, at: datetime) -> None:
    schedule(RefundCheckDue(order_id=refund.payment.order_id, refund_id=refund.id), at=at)


def give_back(refund: Refund) -> None:
    """Store a refund that has succeeded, counted in its payment, and publish it."""
    payment = refund.payment
    payment.give_back(refund.amount)
    repository.store_refund(refund)
    _publish_refunded(refund, left=payment.left, otherwise=refund.note)


def _publish_refunded(refund: Refund, *, left: Decimal, otherwise: str = "", held: bool = False) -> None:
    payment = refund.payment
    publish(
        PaymentRefunded(
            order_id=payment.order_id,
            payment_id=payment.id,
            refund_id=refund.id,
            amount=refund.money,
            left=Money.stored(left, payment.currency),
            otherwise=otherwise,
            held=held,
        )
    )


def take_off_hold(payment: Payment, *, captured: Decimal) -> None:
    """Record and publish the parts that were not ``captured`` of a locked payment that is still held."""
    if not payment.amount_refund_open:
        return
    room = payment.amount - captured
    for refund in payment.refunds.filter(state__in=Refund.OPEN).order_by("created_at"):
        if refund.amount > room:
            break  # it was requested during the capture, and is given back after it
        room -= refund.amount
        refund.payment = payment
        refund.take_off_hold()
        repository.store_refund(refund)
        _publish_refunded(refund, left=captured, held=True)


def refuse(refund: Refund) -> Refund:
    """Add a refund that is more than can be given back, as failed, and publish that."""
    refund.state, refund.failure_code = Refund.State.FAILED, TOO_MUCH
    repository.add_refund(refund)
    _publish_failed(refund)
    return refund


def fail(refund: Refund) -> None:
    """Store a refund that has failed, and publish it."""
    repository.store_refund(refund)
    _publish_failed(refund)


def _publish_failed(refund: Refund) -> None:
    publish(
        RefundFailed(
            order_id=refund.payment.order_id,
            payment_id=refund.payment_id,
            refund_id=refund.id,
            amount=refund.money,
            code=refund.failure_code,
        )
    )
