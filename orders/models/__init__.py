"""Models of orders: the order with its lines, attempts to pay, refunds that staff requested, and returns."""

from orders.models.order import MAX_NAME, NUMBER_PREFIX, Order, OrderLine
from orders.models.payment import PaymentAttempt
from orders.models.refund import RefundRequest
from orders.models.returns import Return, ReturnLine, ReturnReceipt

__all__ = [
    "MAX_NAME",
    "NUMBER_PREFIX",
    "Order",
    "OrderLine",
    "PaymentAttempt",
    "RefundRequest",
    "Return",
    "ReturnLine",
    "ReturnReceipt",
]
