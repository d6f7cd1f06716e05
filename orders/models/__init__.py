"""Models of orders: the order with its lines, and the refunds that staff requested."""

from orders.models.order import MAX_NAME, NUMBER_PREFIX, Order, OrderLine
from orders.models.refund import RefundRequest

__all__ = ["MAX_NAME", "NUMBER_PREFIX", "Order", "OrderLine", "RefundRequest"]
