"""REST API of returns: customers ask for their own orders, staff decides and receives."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.exceptions import NotFound, PermissionDenied
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from orders.errors import InvalidOrder, OrdersError
from orders.models import Order, Return
from orders.returns import services
from orders.returns.receiving import receive_return
from orders.returns.serializers import RefusalIn, ReturnIn, ReturnOut, ReturnReceiptIn
from orders.serializers import as_validation_error
from shop import journal
from shop.accounts import guests
from shop.rest import problems
from shop.rest.idempotency import idempotent
from shop.rest.permissions import may, own, staff

_NO_ORDER = OpenApiResponse(description="There is no such order among those that you may see.")
_NO_RETURN = OpenApiResponse(description="You may see no such order, or it has no such return.")
_WRONG_FIELD = OpenApiResponse(description="A field is wrong, missing or unknown.")
_WRONG_STATE = OpenApiResponse(description="The return is decided already, or has ended.")

#: Permission that it takes to give back another amount than the price of what came back.
OTHER_AMOUNT = "orders.refund_order"


class ReturnsOfOrder(GenericAPIView[Order]):
    """Base of the views of an order's returns. All but their customer need `orders.view_return`."""

    serializer_class = ReturnOut  # type: ignore[assignment]  # of what the order has
    queryset = Order.objects.all()
    pagination_class = None
    filter_backends = []

    def get_queryset(self) -> QuerySet[Order]:
        """Restrict to their own orders all who may not read returns of others."""
        orders = super().get_queryset()
        if may(self.request, "orders.view_return"):
            return orders
        return orders.filter(guests.owned_by(self.request.user.pk))

    def represent(self, returned: Return) -> dict[str, Any]:
        """Return a return as it is stored."""
        return self._found(returned.order, returned.pk)

    def _found(self, order: Order, return_id: UUID) -> dict[str, Any]:
        for found in services.returns_of(order):
            if found.pk == return_id:
                return ReturnOut(found).data
        raise NotFound("The order has no such return.")

    def act(self, request: Request, act: Callable[[], Return], entry: str) -> Response:
        """Run a service on a return, with an entry in the journal unless it is the customer's own."""
        return Response(self.represent(self.run(request, act, entry)))

    def run(self, request: Request, act: Callable[[], Return], entry: str) -> Return:
        """Run a service that returns a return."""
        try:
            with transaction.atomic():
                returned = act()
                if not guests.is_own(request.user.pk, returned.order.customer_id):
                    journal.record(request, returned.order, entry)
        except InvalidOrder as refusal:
            raise as_validation_error(refusal) from refusal
        except OrdersError as refusal:
            raise problems.Conflict(str(refusal)) from refusal
        return returned

    def the_return(self, return_id: UUID) -> Return:
        """Return one of the returns of the order; NotFound if there is none."""
        found = self.get_object().returns.filter(pk=return_id).first()
        if found is None:
            raise NotFound("The order has no such return.")
        return found


class OrderReturns(ReturnsOfOrder):
    """Returns of an order."""

    permissions = {"GET": own("orders.view_return"), "POST": own("orders.request_return")}

    @extend_schema(
        summary="List an order's returns",
        tags=["orders"],
        responses={200: ReturnOut(many=True), 404: _NO_ORDER},
    )
    def get(self, request: Request, pk: UUID) -> Response:
        """List the returns of an order, oldest first, with what came back."""
        returns = services.returns_of(self.get_object())
        return Response([ReturnOut(found).data for found in returns])

    @extend_schema(
        summary="Ask to send goods back",
        tags=["orders"],
        request=ReturnIn,
        parameters=[
            OpenApiParameter(
                "Location", str, OpenApiParameter.HEADER, response=[201], description="The return's URL."
            ),
        ],
        responses={
            201: ReturnOut,
            400: _WRONG_FIELD,
            404: _NO_ORDER,
            409: OpenApiResponse(
                description="It is not delivered, the time for it is over, or so much is not left."
            ),
        },
    )
    @idempotent(required=True)
    def post(self, request: Request, pk: UUID) -> Response:
        """Ask for goods of a delivered order to be sent back; staff decides.

        Customers can ask for their own orders for some days after the delivery, staff at any time.
        """
        order, body = self.get_object(), ReturnIn(data=request.data)
        body.is_valid(raise_exception=True)

        def ask() -> Return:
            return services.request_return(
                order_id=order.pk,
                lines=body.quantities,
                reason=body.validated_data["reason"],
                by_customer=guests.is_own(request.user.pk, order.customer_id),
            )

        returned = self.run(request, ask, "Asked for a return.")
        url = reverse("order-return", args=[order.pk, returned.pk], request=request)
        return Response(self.represent(returned), status=status.HTTP_201_CREATED, headers={"Location": url})


class OrderReturn(ReturnsOfOrder):
    """One return of an order."""

    permissions = {"GET": own("orders.view_return")}

    @extend_schema(
        summary="Read a return of an order", tags=["orders"], responses={200: ReturnOut, 404: _NO_RETURN}
    )
    def get(self, request: Request, pk: UUID, return_id: UUID) -> Response:
        """Return a return, with what came back and the money that followed."""
        return Response(self._found(self.get_object(), return_id))


class OrderReturnApproval(ReturnsOfOrder):
    """Approve a return."""

    permissions = {"POST": staff("orders.view_return", "orders.decide_return")}

    @extend_schema(
        summary="Approve a return",
        tags=["orders"],
        request=None,
        responses={200: ReturnOut, 404: _NO_RETURN, 409: _WRONG_STATE},
    )
    @idempotent()
    def post(self, request: Request, pk: UUID, return_id: UUID) -> Response:
        """Let the customer send the goods; they have to come within some days."""
        ids = {"order_id": pk, "return_id": self.the_return(return_id).pk}
        return self.act(request, lambda: services.approve_return(**ids), "Approved a return.")


class OrderReturnRefusal(ReturnsOfOrder):
    """Refuse a return."""

    permissions = {"POST": staff("orders.view_return", "orders.decide_return")}

    @extend_schema(
        summary="Refuse a return",
        tags=["orders"],
        request=RefusalIn,
        responses={200: ReturnOut, 400: _WRONG_FIELD, 404: _NO_RETURN, 409: _WRONG_STATE},
    )
    @idempotent()
    def post(self, request: Request, pk: UUID, return_id: UUID) -> Response:
        """Refuse a return, for a reason that the customer is told."""
        ids = {"order_id": pk, "return_id": self.the_return(return_id).pk}
        body = RefusalIn(data=request.data)
        body.is_valid(raise_exception=True)
        reason = body.validated_data["reason"]
        return self.act(request, lambda: services.reject_return(**ids, reason=reason), "Refused a return.")


class OrderReturnReceipt(ReturnsOfOrder):
    """Receive the goods of a return."""

    permissions = {"POST": staff("orders.view_return", "orders.receive_return")}

    @extend_schema(
        summary="Receive the goods of a return",
        tags=["orders"],
        request=ReturnReceiptIn,
        responses={
            200: ReturnOut,
            400: _WRONG_FIELD,
            403: OpenApiResponse(description="You may not receive goods, or not give back another amount."),
            404: _NO_RETURN,
            409: OpenApiResponse(description="It is not approved, or so much is not awaited or not left."),
        },
    )
    @idempotent(required=True)
    def post(self, request: Request, pk: UUID, return_id: UUID) -> Response:
        """Record goods that came back: what can be sold again goes into the stock, and their price goes back.

        Another amount, or none, takes `orders.refund_order` as well. The rest of the goods may come later.
        """
        returned = self.the_return(return_id)
        body = ReturnReceiptIn(data=request.data)
        body.is_valid(raise_exception=True)
        amount = body.amount_in(returned.order.currency)
        if amount is not None and not may(request, OTHER_AMOUNT):
            raise PermissionDenied("Another amount than the price takes the permission to refund orders.")

        def receive() -> Return:
            return receive_return(
                order_id=pk, return_id=returned.pk, received=body.received, amount=amount
            ).order_return

        return self.act(request, receive, "Received goods of a return.")


class OrderReturnCancellation(ReturnsOfOrder):
    """Withdraw a return."""

    permissions = {"POST": own("orders.decide_return")}

    @extend_schema(
        summary="Withdraw a return",
        tags=["orders"],
        request=None,
        responses={
            200: ReturnOut,
            403: OpenApiResponse(description="You may see the return, but not withdraw it."),
            404: _NO_RETURN,
            409: _WRONG_STATE,
        },
    )
    @idempotent()
    def post(self, request: Request, pk: UUID, return_id: UUID) -> Response:
        """End a return whose goods, or the rest of them, stay with the customer."""
        ids = {"order_id": pk, "return_id": self.the_return(return_id).pk}
        return self.act(request, lambda: services.cancel_return(**ids), "Withdrew a return.")
