"""REST API of refunds: staff requests them, and customers see those of their own orders."""

from typing import Any
from uuid import UUID

from django.db import transaction
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from orders.api import MyOrders
from orders.errors import InvalidRefund, OrdersError
from orders.models import Order, RefundRequest
from orders.refunds import services
from orders.refunds.serializers import RefundIn, RefundOut, StaffRefundOut
from orders.serializers import OrderOut, as_validation_error
from shop import journal
from shop.rest import problems
from shop.rest.contract import IF_MATCH
from shop.rest.etags import check_if_match
from shop.rest.idempotency import idempotent
from shop.rest.permissions import may, own, staff

_NOT_FOUND = OpenApiResponse(description="There is no such order among those that you may see.")


class RefundsOfOrder(MyOrders):
    """Base of the views of an order's refunds."""

    serializer_class = StaffRefundOut  # type: ignore[assignment]  # of what the order has
    pagination_class = None
    filter_backends = []

    def represent(self, refund: RefundRequest) -> dict[str, Any]:
        """Return a refund; staff alone reads the reason."""
        is_staff = may(self.request, "orders.view_order")
        return (StaffRefundOut if is_staff else RefundOut)(refund).data


class OrderRefunds(RefundsOfOrder):
    """Refunds of an order."""

    permissions = {
        "GET": own("orders.view_order"),
        "POST": staff("orders.view_order", "orders.refund_order"),
    }

    @extend_schema(
        summary="List an order's refunds",
        tags=["orders"],
        responses={200: StaffRefundOut(many=True), 404: _NOT_FOUND},
    )
    def get(self, request: Request, pk: UUID) -> Response:
        """List the refunds that were requested, oldest first. Staff reads their reasons as well."""
        refunds = self.get_object().refunds.select_related("order")
        return Response([self.represent(refund) for refund in refunds])

    @extend_schema(
        summary="Give money of an order back",
        tags=["orders"],
        request=RefundIn,
        parameters=[
            IF_MATCH,
            OpenApiParameter(
                "Location", str, OpenApiParameter.HEADER, response=[201], description="The refund's URL."
            ),
        ],
        responses={
            201: StaffRefundOut,
            400: OpenApiResponse(description="A field is wrong, missing or unknown."),
            404: _NOT_FOUND,
            409: OpenApiResponse(
                description="Nothing is paid, so much is not left, or the goods cannot be back yet."
            ),
        },
    )
    @idempotent(required=True)
    def post(self, request: Request, pk: UUID) -> Response:
        """Request a refund of an amount or of lines. All of the money, before the parcel has left, cancels.

        The money follows: the refund's URL tells how far it is.
        """
        order = self.get_object()
        locked = Order.objects.select_for_update()
        context = self.get_serializer_context()
        check_if_match(request, lambda: OrderOut(locked.get(pk=order.pk), context=context).data)
        refund = _request(request, order)
        url = reverse("order-refund", args=[order.pk, refund.pk], request=request)
        return Response(self.represent(refund), status=status.HTTP_201_CREATED, headers={"Location": url})


class OrderRefund(RefundsOfOrder):
    """One refund of an order."""

    @extend_schema(
        summary="Read a refund of an order",
        tags=["orders"],
        responses={200: StaffRefundOut, 404: _NOT_FOUND},
    )
    def get(self, request: Request, pk: UUID, refund_id: UUID) -> Response:
        """Return a refund: requested, succeeded or failed."""
        refund = self.get_object().refunds.select_related("order").filter(pk=refund_id).first()
        if refund is None:
            raise NotFound("The order has no such refund.")
        return Response(self.represent(refund))


def _request(request: Request, order: Order) -> RefundRequest:
    body = RefundIn(data=request.data)
    body.is_valid(raise_exception=True)
    try:
        with transaction.atomic():
            refund = services.request_refund(
                order_id=order.pk, wish=body.wish, reason=body.validated_data["reason"]
            )
            journal.record(request, order, f"Requested a refund of {refund.money}.")
    except InvalidRefund as refusal:
        raise as_validation_error(refusal) from refusal
    except OrdersError as refusal:
        raise problems.Conflict(str(refusal)) from refusal
    return refund
