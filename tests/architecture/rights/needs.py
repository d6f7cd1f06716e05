"""Needs: the permissions that a visitor has to have."""

#: Sets of permissions, one of which is needed; none: nobody may, not even a superuser.
Need = tuple[tuple[str, ...], ...]

NOBODY: Need = ()


def all_of(*permissions: str) -> Need:
    return (permissions,)


#: What acts need together with the page that they stand on.
HOOKS = ("integrations.view_endpoint", "integrations.change_endpoint")
SEND_HOOKS = ("integrations.view_endpoint", "integrations.view_delivery", "integrations.send_again")
STOCK = ("inventory.view_stock", "inventory.adjust_stock")
RETRY = ("payments.view_refund", "payments.retry_refund")
ANNOTATE = ("orders.view_order", "orders.annotate_order")
CAPTURE = ("payments.view_payment", "payments.retry_capture")
GIVE_BACK = ("payments.view_refund", "payments.give_back_otherwise")
RESEND = ("notifications.view_notification", "notifications.resend_notification")
SALES = ("analytics.view_productsales", "analytics.view_productrevenue")
CANCEL = ("orders.view_order", "orders.cancel_order")
RESUME = ("orders.view_order", "orders.resume_order")
PRINT = ("shipping.view_shipment", "shipping.print_label")
REFUND = ("orders.view_order", "orders.refund_order")
RETURN = ("orders.view_order", "orders.request_return")
DECIDE_RETURN = ("orders.view_return", "orders.decide_return")
RECEIVE_RETURN = ("orders.view_return", "orders.receive_return")
RESEND_ORDER = ("orders.view_order", "orders.resend_order")
SETTLE = ("orders.view_order", "orders.settle_order")
