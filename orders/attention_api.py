"""REST API of orders that need attention: acts of staff."""

from collections.abc import Callable
from uuid import UUID

from django.db import transaction
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from orders import resending, services
from orders.api import NOT_FOUND
from orders.errors import InvalidOrder, OrdersError
from orders.events import Address
from orders.models import Order
from orders.serializers import GiveUpIn, OrderOut, SendAgainIn, SettlementIn, as_validation_error
from orders.undelivered.services import done_text, refund_and_settle
from shop import journal
from shop.rest import problems
from shop.rest.contract import IF_MATCH
from shop.rest.etags import check_if_match
from shop.rest.idempotency import idempotent
from shop.rest.permissions import staff

_WRONG_FIELD = OpenApiResponse(description="A field is wrong, missing or unknown.")


class HeldUpOrder(GenericAPIView[Order]):
    """Base of the acts of staff on an order that needs attention."""

    serializer_class = OrderOut
    queryset = Order.objects.all()

    def act(self, request: Request, service: Callable[[UUID], Order], entry: str) -> Response:
        """Run a service on the order, with an entry in the journal."""
        return self.run(request, lambda order_id: (service(order_id), entry))

    def run(self, request: Request, act: Callable[[UUID], tuple[Order, str]]) -> Response:
        """Run an act on the order, which returns it with the entry for the journal."""
        locked = self.get_queryset().select_for_update()
        order = self.get_object()
        check_if_match(request, lambda: self.get_serializer(locked.get(pk=order.pk)).data)
        try:
            with transaction.atomic():
                order, entry = act(order.pk)
                journal.record(request, order, entry)
        except InvalidOrder as refusal:
            raise as_validation_error(refusal) from refusal
        except OrdersError as refusal:
            raise problems.Conflict(str(refusal)) from refusal
        return Response(OrderOut(order, context=self.get_serializer_context()).data)


class OrderResumption(HeldUpOrder):
    """Let an order go on waiting."""

    permissions = {"POST": staff("orders.view_order", "orders.resume_order")}

    @extend_schema(
        summary="Let an order go on waiting",
        tags=["orders"],
        parameters=[IF_MATCH],
        request=None,
        responses={
            200: OrderOut,
            404: NOT_FOUND,
            409: OpenApiResponse(description="It does not need attention, or nothing more will come."),
        },
    )
    @idempotent()
    def post(self, request: Request, pk: str) -> Response:
        """Let an order that needs attention wait for its next step, with a new deadline."""
        return self.act(
            request, lambda order_id: services.resume_order(order_id=order_id), "The order goes on waiting."
        )


class OrderSettlement(HeldUpOrder):
    """End an order that needs attention."""

    permissions = {"POST": staff("orders.view_order", "orders.settle_order")}

    @extend_schema(
        summary="Settle an order",
        tags=["orders"],
        parameters=[IF_MATCH],
        request=SettlementIn,
        responses={
            200: OrderOut,
            400: _WRONG_FIELD,
            404: NOT_FOUND,
            409: OpenApiResponse(description="It does not need attention, or can still be cancelled."),
        },
    )
    @idempotent()
    def post(self, request: Request, pk: str) -> Response:
        """End an order that needs attention and that nothing else will end; money and stock stay as is."""
        body = SettlementIn(data=request.data)
        body.is_valid(raise_exception=True)
        reason = body.validated_data["reason"]
        return self.act(
            request,
            lambda order_id: services.settle_order(order_id=order_id, reason=reason),
            f"Settled the order: {reason}",
        )


class OrderResending(HeldUpOrder):
    """Send an order again."""

    permissions = {"POST": staff("orders.view_order", "orders.resend_order")}

    @extend_schema(
        summary="Send an order again",
        tags=["orders"],
        parameters=[IF_MATCH],
        request=SendAgainIn,
        responses={
            200: OrderOut,
            400: _WRONG_FIELD,
            404: NOT_FOUND,
            409: OpenApiResponse(description="Its parcel is not lost, back or overdue."),
        },
    )
    @idempotent(required=True)
    def post(self, request: Request, pk: str) -> Response:
        """Send an order again whose parcel did not arrive, with new goods or those that came back."""
        body = SendAgainIn(data=request.data)
        body.is_valid(raise_exception=True)
        given = body.validated_data
        return self.act(
            request,
            lambda order_id: resending.resend_order(
                order_id=order_id,
                reason=given["reason"],
                new_goods=given["goods"] == "new",
                ship_to=Address(**given["ship_to"]) if "ship_to" in given else None,
            ),
            f"Sent the order again: {given['reason']}",
        )


class OrderGivingUp(HeldUpOrder):
    """Refund an undelivered order, and end it."""

    permissions = {"POST": staff("orders.view_order", "orders.refund_order")}

    @extend_schema(
        summary="Refund an undelivered order and settle it",
        tags=["orders"],
        parameters=[IF_MATCH],
        request=GiveUpIn,
        responses={
            200: OrderOut,
            400: _WRONG_FIELD,
            404: NOT_FOUND,
            409: OpenApiResponse(description="Its parcel is not lost, back or overdue, or no money is left."),
        },
    )
    @idempotent(required=True)
    def post(self, request: Request, pk: str) -> Response:
        """Give all that is left of its money back, restock its goods or write them off, and settle it.

        The money follows: the order's refunds tell how far it is.
        """
        body = GiveUpIn(data=request.data)
        body.is_valid(raise_exception=True)
        given = body.validated_data

        def act(order_id: UUID) -> tuple[Order, str]:
            refund = refund_and_settle(order_id=order_id, goods=given["goods"], reason=given["reason"])
            return refund.order, done_text(refund, given["reason"])

        return self.run(request, act)
