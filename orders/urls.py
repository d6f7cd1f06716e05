"""The REST addresses of orders."""

from django.urls import path

from orders import api, attention_api
from orders.notes import api as notes
from orders.payments import api as payments
from orders.refunds import api as refunds
from orders.returns import api as returns

urlpatterns = [
    path("orders", api.Orders.as_view(), name="order-list"),
    path("orders/<uuid:pk>", api.OrderDetail.as_view(), name="order-detail"),
    path("orders/<uuid:pk>/cancel", api.OrderCancellation.as_view(), name="order-cancel"),
    path("orders/<uuid:pk>/resume", attention_api.OrderResumption.as_view(), name="order-resume"),
    path("orders/<uuid:pk>/settle", attention_api.OrderSettlement.as_view(), name="order-settle"),
    path("orders/<uuid:pk>/notes", notes.OrderNotes.as_view(), name="order-notes"),
    path("orders/<uuid:pk>/payments", payments.OrderPayments.as_view(), name="order-payments"),
    path("orders/<uuid:pk>/refunds", refunds.OrderRefunds.as_view(), name="order-refunds"),
    path("orders/<uuid:pk>/refunds/<uuid:refund_id>", refunds.OrderRefund.as_view(), name="order-refund"),
    path("orders/<uuid:pk>/returns", returns.OrderReturns.as_view(), name="order-returns"),
    *(
        path(f"orders/<uuid:pk>/returns/<uuid:return_id>{ending}", view.as_view(), name=name)
        for ending, view, name in (
            ("", returns.OrderReturn, "order-return"),
            ("/approve", returns.OrderReturnApproval, "order-return-approve"),
            ("/reject", returns.OrderReturnRefusal, "order-return-reject"),
            ("/receive", returns.OrderReturnReceipt, "order-return-receive"),
            ("/cancel", returns.OrderReturnCancellation, "order-return-cancel"),
        )
    ),
    path("orders/<uuid:pk>/resend", attention_api.OrderResending.as_view(), name="order-resend"),
    path(
        "orders/<uuid:pk>/refund-and-settle",
        attention_api.OrderGivingUp.as_view(),
        name="order-refund-and-settle",
    ),
    path("orders/<uuid:pk>/receipt", api.OrderReceipt.as_view(), name="order-receipt"),
    path("orders/<uuid:pk>/timeline", api.OrderTimeline.as_view(), name="order-timeline"),
]
