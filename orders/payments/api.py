"""REST API of attempts to pay an order."""

from typing import Any
from uuid import UUID

from django.db import transaction
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from orders.api import NOT_FOUND, MyOrders
from orders.errors import InvalidOrder, OrdersError
from orders.models import Order, PaymentAttempt
from orders.payments import services
from orders.payments.serializers import PaymentAttemptOut, PaymentIn
from orders.serializers import OrderOut, as_validation_error
from shop import journal
from shop.accounts import guests
from shop.rest import problems
from shop.rest.contract import IF_MATCH
from shop.rest.etags import check_if_match
from shop.rest.idempotency import idempotent
from shop.rest.permissions import own


class OrderPayments(MyOrders):
    """Attempts to pay an order."""

    permissions = {"GET": own("orders.view_order"), "POST": own("orders.pay_order")}
    serializer_class = PaymentAttemptOut  # type: ignore[assignment]  # of what the order has
    pagination_class = None
    filter_backends = []

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Look for the order before an Idempotency-Key is heeded: rights may have ended since an answer."""
        super().initial(request, *args, **kwargs)
        self.order = self.get_object()

    @extend_schema(
        summary="List the attempts to pay an order",
        tags=["orders"],
        responses={200: PaymentAttemptOut(many=True), 404: NOT_FOUND},
    )
    def get(self, request: Request, pk: UUID) -> Response:
        """List the attempts to pay, oldest first. Most orders have one."""
        return Response([self.represent(attempt) for attempt in services.attempts_of(self.order)])

    @extend_schema(
        summary="Pay an order by other means",
        tags=["orders"],
        request=PaymentIn,
        parameters=[IF_MATCH],
        responses={
            202: PaymentAttemptOut,
            400: OpenApiResponse(description="A field is wrong, missing or unknown."),
            403: OpenApiResponse(description="You may see the order, but not have it paid."),
            404: NOT_FOUND,
            409: OpenApiResponse(
                description="The order does not wait for its payment, was placed without `retry_payment`, or "
                "a payment of it is under way."
            ),
        },
    )
    @idempotent(required=True)
    def post(self, request: Request, pk: UUID) -> Response:
        """Pay by other means, after a decline or instead of a confirmation, until the payment deadline.

        The order was placed with `retry_payment`. The payment follows: the order tells how it stands.
        """
        locked = Order.objects.select_for_update()
        context = self.get_serializer_context()
        check_if_match(request, lambda: OrderOut(locked.get(pk=self.order.pk), context=context).data)
        attempt = _pay(request, self.order)
        return Response(self.represent(attempt), status=status.HTTP_202_ACCEPTED)

    def represent(self, attempt: PaymentAttempt) -> dict[str, Any]:
        """Return an attempt as the user may see it."""
        return PaymentAttemptOut(attempt, context=self.get_serializer_context()).data


def _pay(request: Request, order: Order) -> PaymentAttempt:
    body = PaymentIn(data=request.data)
    body.is_valid(raise_exception=True)
    try:
        with transaction.atomic():
            attempt = services.request_payment(order_id=order.pk, **body.validated_data)
            if not guests.is_own(request.user.pk, order.customer_id):
                journal.record(request, order, f"Had it paid by other means: attempt {attempt.number}.")
    except InvalidOrder as refusal:
        raise as_validation_error(refusal) from refusal
    except OrdersError as refusal:
        raise problems.Conflict(str(refusal)) from refusal
    return attempt
