"""Outcomes of attempts to pay that the customer has to do something about, as payments tells them."""

from collections.abc import Collection
from typing import NamedTuple
from uuid import UUID

from django.utils import timezone

from orders.changes import follow
from orders.history import Step
from orders.models import Order, PaymentAttempt
from orders.states import PaymentNeeds
from shop.messaging.publishing import unit_of_work


class Outcome(NamedTuple):
    """Outcome of an attempt to pay an order."""

    order_id: UUID
    attempt: int
    needs: PaymentNeeds
    step: Step
    confirm_url: str = ""
    code: str = ""
    message: str = ""


@unit_of_work()
def record_needs(outcomes: Collection[Outcome]) -> None:
    """Record what customers have to do before their orders are paid."""
    follow([(outcome.order_id, outcome.step) for outcome in outcomes])
    for outcome in outcomes:
        attempt, _ = PaymentAttempt.objects.get_or_create(order_id=outcome.order_id, number=outcome.attempt)
        if attempt.is_open and attempt.state != outcome.needs:
            attempt.state, attempt.confirm_url = outcome.needs, outcome.confirm_url
            attempt.code, attempt.message = outcome.code[:100], outcome.message
            _store(attempt)


def record_paid(orders: Collection[Order]) -> None:
    """Note that the latest attempts succeeded, of orders whose customers had to do something."""
    for order in orders:
        if order.payment_needs or order.payment_attempt > 1:
            found = PaymentAttempt.objects.filter(order=order, number=order.payment_attempt)
            for attempt in found.exclude(state=PaymentAttempt.State.DECLINED):
                attempt.state, attempt.confirm_url = PaymentAttempt.State.SUCCEEDED, ""
                _store(attempt)


def _store(attempt: PaymentAttempt) -> None:
    attempt.changed_at = timezone.now()
    attempt.save(update_fields=PaymentAttempt.CHANGEABLE)
