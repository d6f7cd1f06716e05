"""Steps of a refund, and reads of its effects."""

from decimal import Decimal

from orders.refunds.plan import Wish
from orders.refunds.services import request_refund
from shop.messaging.contracts import Money
from shop.messaging.models import EventRecord

TOTAL = Decimal("138.90")
BY_AMOUNT = {"amount": {"amount": "5.00", "currency": "EUR"}, "reason": "a scratch"}


def euros(amount):
    return Money(amount=amount, currency="EUR")


def ask(order, amount=None, reason="a scratch", **lines):
    restock = lines.pop("restock", False)
    wish = Wish(amount=amount and euros(amount), lines=lines, restock=restock)
    return request_refund(order_id=order.pk, wish=wish, reason=reason)


def requested_event(order):
    return EventRecord.objects.get(aggregate_id=order.pk, type="orders.RefundRequested.v1").data
