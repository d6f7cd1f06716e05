"""Models of orders: the order with all that belongs to it, bulk actions, and address books."""

from orders.models.bulk import BulkAction, BulkActionRow
from orders.models.note import OrderNote, OrderTag
from orders.models.order import MAX_NAME, NUMBER_PREFIX, Order, OrderLine
from orders.models.payment import PaymentAttempt
from orders.models.refund import RefundRequest
from orders.models.returns import Return, ReturnLine, ReturnReceipt
from orders.models.saved_address import SavedAddress

__all__ = [
    "MAX_NAME",
    "NUMBER_PREFIX",
    "BulkAction",
    "BulkActionRow",
    "Order",
    "OrderLine",
    "OrderNote",
    "OrderTag",
    "PaymentAttempt",
    "RefundRequest",
    "Return",
    "ReturnLine",
    "ReturnReceipt",
    "SavedAddress",
]
