"""Payment by other means: one attempt at a time, ordered by the order's row lock."""

from functools import partial
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from orders import history, intake, repository
from orders.changes import store
from orders.errors import NotPayable, PaymentFinal, PaymentOverdue, PaymentUnderWay, TooManyAttempts
from orders.events import PaymentAttemptRequested, PaymentMethod
from orders.models import Order, PaymentAttempt
from orders.states import PaymentNeeds, Status
from shop.messaging.publishing import publish, unit_of_work
from shop.privacy.order_keys import keys_of_orders
from shop.privacy.sealing import sealed


@unit_of_work()
def request_payment(*, order_id: UUID, payment_method: str) -> PaymentAttempt:
    """Have an order paid by other means, after a decline or instead of a confirmation.

    Publishes PaymentAttemptRequested. A former attempt that was not confirmed is given up.

    Raises:
        InvalidOrder: the token is not well-formed.
        NotPayable, PaymentFinal, PaymentUnderWay, PaymentOverdue, TooManyAttempts
    """
    intake.check_payment_method(payment_method)
    order = repository.lock([order_id])[0]
    check_payable(order)
    number = order.payment_attempt + 1
    order.take(partial(history.payment_needs, attempt=number, needs=PaymentNeeds.NOTHING))
    store([order], came_from={})
    unconfirmed = PaymentAttempt.objects.filter(order=order, state=PaymentAttempt.State.REQUIRES_ACTION)
    unconfirmed.update(state=PaymentAttempt.State.CANCELED, confirm_url="", changed_at=timezone.now())
    attempt = PaymentAttempt.objects.create(order=order, number=number)
    means = PaymentMethod(payment_method=payment_method)
    key = keys_of_orders([order.pk]).get(order.pk)
    publish(
        PaymentAttemptRequested(
            order_id=order.pk, attempt=number, **sealed(PaymentAttemptRequested, key, payment=means)
        )
    )
    return attempt


def check_payable(order: Order) -> None:
    """Raise an error if the order cannot be paid by other means, or not now."""
    if order.status != Status.PLACED or order.payment_undone:
        raise NotPayable(number=order.number, status=order.get_status_display().lower())
    if not order.retry_payment:
        raise PaymentFinal(number=order.number)
    if not order.payment_needs:
        raise PaymentUnderWay(number=order.number)
    if order.pay_by < timezone.now():
        raise PaymentOverdue(number=order.number, due=f"{order.pay_by:%Y-%m-%d %H:%M} UTC")
    if order.payment_attempt >= settings.SHOP_PAYMENT_ATTEMPTS:
        raise TooManyAttempts(number=order.number, times=order.payment_attempt)


def attempts_of(order: Order) -> list[PaymentAttempt]:
    """Return the attempts to pay an order, oldest first. The only one of most orders has no row."""
    known = list(PaymentAttempt.objects.filter(order=order))
    for attempt in known:
        attempt.order = order
        if attempt.is_open and order.status != Status.PLACED:
            attempt.state, attempt.confirm_url = _state_of(order), ""
    return known or [
        PaymentAttempt(order=order, number=1, state=_state_of(order), created_at=order.placed_at)
    ]


def _state_of(order: Order) -> str:
    """Return the state of an attempt that orders has heard nothing of but what became of the order."""
    if order.status == Status.PLACED and not order.payment_undone:
        return PaymentAttempt.State.PROCESSING
    if order.cancel_reason == Order.CancelReason.PAYMENT_FAILED:
        return PaymentAttempt.State.DECLINED
    is_given_up = order.stage in (Status.CANCELLING, Status.CANCELLED) or order.payment_undone
    return PaymentAttempt.State.CANCELED if is_given_up else PaymentAttempt.State.SUCCEEDED
