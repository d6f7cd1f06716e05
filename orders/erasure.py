"""Erasure of what orders keep about a customer, once no process remembers the customer's key.

The other contexts erase their part upon CustomerForgotten, one event an order.
"""

import logging
from collections.abc import Collection
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils import timezone

from orders.errors import OrdersStillOpen
from orders.events import CustomerForgotten, ErasureDue
from orders.models import (
    Order,
    OrderLine,
    OrderNote,
    OrderTag,
    PaymentAttempt,
    RefundRequest,
    Return,
    ReturnLine,
    ReturnReceipt,
)
from orders.states import TERMINAL, AttentionReason
from shop.messaging.contracts import ERASED
from shop.messaging.publishing import publish, unit_of_work
from shop.messaging.scheduling import schedule
from shop.privacy.messages import erase_messages
from shop.privacy.rows import Rows, rows_of

logger = logging.getLogger(__name__)

#: Orders that one transaction erases.
CHUNK = 200
#: Time after which an erasure that found an open order looks again.
RETRY = timedelta(minutes=10)
#: Columns and what they hold afterwards. The country stays, for the tax.
NEUTRAL = {
    "customer_name": ERASED,
    "customer_email": "",
    "ship_name": ERASED,
    "ship_street": ERASED,
    "ship_city": ERASED,
    "ship_postal_code": ERASED,
    "ship_second_line": "",
    "ship_region": "",
    "ship_phone": "",
    "payment_method": ERASED,
    "attention_note": "",
    "idempotency_key": "",
    "request_fingerprint": "",
}


def check_all_ended(*, customer_id: int) -> None:
    """Raise OrdersStillOpen if an order of the customer needs the name or the address yet.

    An order whose parcel could not be delivered has ended in this sense.
    """
    numbers = [order.number for order in _open_orders(customer_id).only("serial").order_by("pk")[:10]]
    if numbers:
        raise OrdersStillOpen(numbers=", ".join(numbers))


def is_erased(*, customer_id: int) -> bool:
    """Return whether no order of a customer has a name or an address any more."""
    orders = Order.objects.filter(customer_id=customer_id)
    return not orders.exclude(ship_name=ERASED, ship_street=ERASED).exists()


def schedule_erasure(*, customer_id: int, subject_id: UUID) -> None:
    """Have everything erased once no process remembers the key, and none is at work with what it opened."""
    longest_task = timedelta(seconds=settings.CELERY_TASK_TIME_LIMIT)
    at = timezone.now() + settings.SHOP_DATA_KEY_LIFETIME + longest_task
    schedule(ErasureDue(subject_id=subject_id, customer_id=customer_id), at=at)


@unit_of_work()
def erase_next(*, subject_id: UUID, customer_id: int, after: UUID | None) -> None:
    """Erase the next orders of a forgotten customer; wait if one was placed at the last moment."""
    due = ErasureDue(subject_id=subject_id, customer_id=customer_id, after=after)
    if _open_orders(customer_id).exists():
        logger.warning("the erasure of subject %s waits for an order that has not ended", subject_id)
        schedule(due, at=timezone.now() + RETRY)
        return
    orders = Order.objects.filter(customer_id=customer_id).order_by("pk")
    order_ids = list((orders.filter(pk__gt=after) if after else orders).values_list("pk", flat=True)[:CHUNK])
    Order.objects.filter(pk__in=order_ids).update(**NEUTRAL)
    RefundRequest.objects.filter(order__in=order_ids).update(reason=ERASED)
    returns = Return.objects.filter(order__in=order_ids)
    returns.update(reason=ERASED)
    returns.exclude(refusal="").update(refusal=ERASED)
    OrderNote.objects.filter(order__in=order_ids).update(text=ERASED)
    OrderTag.objects.filter(order__in=order_ids).delete()
    PaymentAttempt.objects.filter(order__in=order_ids).update(message="", confirm_url="")
    erase_messages(order_ids)
    for order_id in order_ids:
        publish(CustomerForgotten(order_id=order_id, subject_id=subject_id))
    if len(order_ids) == CHUNK:
        schedule(due.model_copy(update={"after": order_ids[-1]}), at=timezone.now())


def personal_data_of(order_ids: Collection[UUID]) -> Rows:
    """Return all that orders keep about orders, by table."""
    lines = OrderLine.objects.filter(order__in=order_ids)
    return (
        rows_of(Order.objects.filter(pk__in=order_ids))
        | rows_of(lines)
        | rows_of(PaymentAttempt.objects.filter(order__in=order_ids))
        | rows_of(RefundRequest.objects.filter(order__in=order_ids))
        | rows_of(OrderNote.objects.filter(order__in=order_ids))
        | rows_of(OrderTag.objects.filter(order__in=order_ids))
        | rows_of(Return.objects.filter(order__in=order_ids))
        | rows_of(ReturnLine.objects.filter(order_return__order__in=order_ids))
        | rows_of(ReturnReceipt.objects.filter(order_return__order__in=order_ids))
    )


def words_of(customer_id: int) -> set[str]:
    """Return the names and e-mail addresses that the customer ordered under."""
    words = (
        Order.objects.filter(customer_id=customer_id)
        .order_by()
        .values_list("customer_name", "customer_email")
    )
    return {word for pair in words.distinct() for word in pair if word and word != ERASED}


def order_ids_of(customer_id: int) -> list[UUID]:
    """Return the orders of a customer, oldest first."""
    return list(Order.objects.filter(customer_id=customer_id).order_by("pk").values_list("pk", flat=True))


def _open_orders(customer_id: int) -> QuerySet[Order]:
    undeliverable = Q(attention_reason=AttentionReason.DELIVERY_FAILED)
    return Order.objects.filter(customer_id=customer_id).exclude(Q(status__in=TERMINAL) | undeliverable)
