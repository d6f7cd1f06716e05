"""History of orders: one row an order, from events, with the status that the books of orders show."""

from collections.abc import Collection
from typing import Any

from django.db.models import Case, CharField, F, IntegerField, Q, QuerySet, Value, When

from analytics.models import ENDED_OTHERWISE, NOT_CAPTURED, OPEN, OrderFact

#: Statuses on the way, by rank, with what takes an order there. The highest prevails.
_WAY: dict[str, Q] = {
    "placed": ~Q(order_id=None),
    "paid": ~Q(paid_at=None),
    "in_fulfilment": ~Q(stocked_at=None),
    "cancelling": ~Q(payment_failed_at=None)
    | ~Q(out_of_stock_at=None)
    | ~Q(shipment_failed_at=None)
    | ~Q(fulfilment_stopped_at=None)
    | ~Q(cancellation_requested_at=None),
    "shipped": ~Q(shipped_at=None) | ~Q(cancellation_rejected_at=None),
}
_ATTENTION = "needs_attention"
STATUSES = (*_WAY, "delivered", "cancelled", "settled", _ATTENTION)


def _first_of(conditions: dict[Any, Q], default: Any, output: Any) -> Case:
    whens = [When(condition, then=Value(value)) for value, condition in conditions.items()]
    return Case(*whens, default=Value(default), output_field=output())


#: Rank of the status that an order was held up in. One of an unknown status stays held up.
_HELD_UP_IN = _first_of({rank: Q(held_up_in=status) for rank, status in enumerate(_WAY)}, 9, IntegerField)
_RANK = _first_of({rank: _WAY[status] for rank, status in reversed([*enumerate(_WAY)])}, 0, IntegerField)
_CANCELLING = [*_WAY].index("cancelling")
_STILL = ~Q(held_up_at=None) & (Q(went_on_at=None) | Q(went_on_at__lt=F("held_up_at")))
_NO_FURTHER = Q(held_up_rank__gte=F("rank"))
#: Its money could not be taken yet. The parcel goes on meanwhile; a cancellation ends it.
_UNPAID = _STILL & NOT_CAPTURED & Q(captured_at=None) & (_NO_FURTHER | ~Q(rank=_CANCELLING))
#: It needs attention: nobody let it go on since, it has come no further, and no failed refund succeeded. A
#: disputed order waits wherever it has come to.
_HELD_UP = (
    _STILL
    & (_NO_FURTHER | Q(held_up_reason="disputed", rank__lt=_CANCELLING))
    & ~NOT_CAPTURED
    & ~Q(~Q(paid_back_at=None), held_up_reason="refund_failed")
) | _UNPAID
#: Statuses that an order ends in. Of two the first prevails.
_ENDS: dict[str, Q] = {
    "settled": ~Q(settled_at=None),
    "cancelled": ~Q(cancelled_at=None),
    "delivered": ~Q(delivered_at=None) & ~_UNPAID,
}
_STATUS = _first_of(
    {**_ENDS, _ATTENTION: _HELD_UP, **{status: _WAY[status] for status in reversed(_WAY)}},
    "placed",
    CharField,
)


def with_status(facts: QuerySet[OrderFact]) -> QuerySet[OrderFact]:
    """Return orders, each with its ``status``."""
    return facts.alias(rank=_RANK, held_up_rank=_HELD_UP_IN).annotate(status=_STATUS)


def placed_orders() -> QuerySet[OrderFact]:
    """Return the orders whose placing is known, each with its ``status``."""
    return with_status(OrderFact.objects.filter(placed_at__isnull=False))


def having_status(orders: QuerySet[OrderFact], statuses: Collection[str]) -> QuerySet[OrderFact]:
    """Filter orders by status, with conditions by which a rare status is found by a partial index."""
    if not _ENDS.keys() & set(statuses):
        orders = orders.filter(OPEN | NOT_CAPTURED if _ATTENTION in statuses else OPEN)
    elif set(statuses) <= {"cancelled", "settled"}:
        orders = orders.filter(ENDED_OTHERWISE)
    return orders.filter(Q(("status__in", statuses)))
