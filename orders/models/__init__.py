"""Models of orders: the order with its lines, attempts to pay, refunds, returns, notes and tags of staff."""

from orders.models.note import OrderNote, OrderTag
from orders.models.order import MAX_NAME, NUMBER_PREFIX, Order, OrderLine
from orders.models.payment import PaymentAttempt
from orders.models.refund import RefundRequest
from orders.models.returns import Return, ReturnLine, ReturnReceipt

__all__ = [
    "MAX_NAME",
    "NUMBER_PREFIX",
    "Order",
    "OrderLine",
    "OrderNote",
    "OrderTag",
    "PaymentAttempt",
    "RefundRequest",
    "Return",
    "ReturnLine",
    "ReturnReceipt",
]
