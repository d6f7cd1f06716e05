"""REST API of orders. Accounts see their own orders; those of others need a permission."""

from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import status
from rest_framework.exceptions import NotFound
from rest_framework.generics import GenericAPIView, ListAPIView, RetrieveAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from orders import services, timeline
from orders.errors import (
    IdempotencyKeyReused,
    InvalidOrder,
    NoSuchEvent,
    TooLateToCancel,
    TooManyOrders,
)
from orders.events import Address, OrderCreated
from orders.filters import OrderFilter
from orders.intake import OrderRequest
from orders.models import Order
from orders.serializers import (
    AsOf,
    OrderIn,
    OrderOut,
    OrderSummaryOut,
    ReceiptOut,
    StaffTimelineOut,
    as_validation_error,
)
from orders.snapshots import as_of
from orders.states import Status
from shop import journal
from shop.accounts import guests, limits
from shop.accounts.scopes import IMPORT, has_scope
from shop.messaging import event_log
from shop.messaging.contracts import is_replaced
from shop.messaging.log_proof.receipts import receipt
from shop.privacy.showing import shown
from shop.rest import problems
from shop.rest.contract import IF_MATCH
from shop.rest.etags import ETagged, check_if_match
from shop.rest.fast.serializer_cache import represented, validated
from shop.rest.idempotency import REPLAYED, idempotent, idempotent_by_itself, key_of
from shop.rest.lists import OfficeList
from shop.rest.permissions import accounts, may, own

NOT_FOUND = OpenApiResponse(description="There is no such order among those that you may see.")


class MyOrders(GenericAPIView[Order]):
    """Base of the views: the orders that the user may see. All others are answered with 404."""

    permissions = {"GET": own("orders.view_order")}
    queryset = Order.objects.all()

    def get_queryset(self) -> QuerySet[Order]:
        """Restrict to their own orders all who may not read those of others."""
        orders = super().get_queryset()
        if may(self.request, "orders.view_order"):
            return orders
        return self.own(orders)

    def own(self, orders: QuerySet[Order]) -> QuerySet[Order]:
        """Restrict to the user's own orders. The view looks for one of them, by its key."""
        return orders.filter(guests.owned_by(self.request.user.pk))


@extend_schema_view(get=extend_schema(summary="List orders", tags=["orders"]))
class Orders(OfficeList, MyOrders, ListAPIView[Order]):
    """List orders, newest first, and place them."""

    permissions = MyOrders.permissions | {"POST": accounts("orders.add_order")}
    serializer_class = OrderSummaryOut
    filterset_class = OrderFilter
    sorts = {"placed_at": "pk", "changed_at": "changed_at"}
    #: The statement that an order begins with counts the customer's orders.
    limited_otherwise = ("POST",)

    def own(self, orders: QuerySet[Order]) -> QuerySet[Order]:
        """Restrict to the user's own orders, so that a page of one account is read by its index."""
        return orders.filter(customer_id__in=guests.accounts_of(self.request.user.pk or 0))

    def get_serializer_class(self) -> type[BaseSerializer[Any]]:
        """Return the serializer of requests for the form of the browsable API."""
        return OrderIn if self.request.method == "POST" else super().get_serializer_class()

    @extend_schema(
        summary="Place an order",
        tags=["orders"],
        request=OrderIn,
        parameters=[
            OpenApiParameter(
                "Location", str, OpenApiParameter.HEADER, response=[201], description="The order's URL."
            ),
        ],
        responses={
            201: OrderOut,
            400: OpenApiResponse(
                description="A field is wrong, missing or unknown; it says which and what to do."
            ),
            422: OpenApiResponse(description="The Idempotency-Key came with another order before."),
            429: OpenApiResponse(description="You have placed as many orders within a minute as you may."),
        },
    )
    @idempotent_by_itself
    def post(self, request: Request) -> Response:
        """Accept an order at once; payment, stock and parcel follow. Its URL tells how far it has come."""
        order = _place(request, validated(OrderIn, request.data))
        body = represented(OrderOut, _as_placed(order), self.get_serializer_context())
        headers = {"Location": str(body["url"])} | ({REPLAYED: "true"} if order.is_replay else {})
        return Response(body, status=status.HTTP_201_CREATED, headers=headers)


_NO_SUCH_MOMENT = OpenApiResponse(description="You may see no such order, or it has no event `at`.")


@extend_schema_view(
    get=extend_schema(
        summary="Read an order",
        tags=["orders"],
        parameters=[AsOf],
        responses={200: OrderOut, 404: _NO_SUCH_MOMENT},
    )
)
class OrderDetail(ETagged, MyOrders, RetrieveAPIView[Order]):
    """One order, as it is or as of one of its events."""

    serializer_class = OrderOut
    parameters = AsOf
    queryset = Order.objects.prefetch_related("lines")

    def get_object(self) -> Order:
        """Return the order; with ``at`` as of that event."""
        order = super().get_object()
        given = AsOf(data=self.request.query_params.dict())
        given.is_valid(raise_exception=True)
        if at := given.validated_data.get("at"):
            try:
                return as_of(order, at)
            except NoSuchEvent as refusal:
                raise NotFound(str(refusal)) from refusal
        return order


class OrderCancellation(MyOrders):
    """Cancel an order."""

    permissions = {"POST": own("orders.cancel_order")}
    serializer_class = OrderOut

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Look for the order before an Idempotency-Key is heeded: rights may have ended since an answer."""
        super().initial(request, *args, **kwargs)
        self.order = self.get_object()

    @extend_schema(
        summary="Cancel an order",
        tags=["orders"],
        parameters=[IF_MATCH],
        request=None,
        responses={
            202: OrderOut,
            403: OpenApiResponse(description="You may see the order, but not cancel it."),
            404: NOT_FOUND,
            409: OpenApiResponse(description="The parcel has left, or the order is over."),
        },
    )
    @idempotent()
    def post(self, request: Request, pk: str) -> Response:
        """Ask for an order to be cancelled, while its parcel has not left. Asking again does no harm."""
        order = self.order
        locked = Order.objects.select_for_update()
        check_if_match(request, lambda: self.get_serializer(locked.get(pk=order.pk)).data)
        is_own = guests.is_own(request.user.pk, order.customer_id)
        try:
            order = _cancel(order) if is_own else _cancel_as_staff(request, order)
        except TooLateToCancel as refusal:
            raise problems.Conflict(str(refusal)) from refusal
        body = OrderOut(order, context=self.get_serializer_context()).data
        return Response(body, status=status.HTTP_202_ACCEPTED)


class OrderTimeline(MyOrders):
    """Timeline of an order."""

    queryset = Order.objects.only("pk", "ship_name", "ship_street")
    pagination_class = None
    filter_backends = []

    @extend_schema(
        summary="Read an order's timeline",
        tags=["orders"],
        responses={200: StaffTimelineOut(many=True), 404: NOT_FOUND},
    )
    def get(self, request: Request, pk: str) -> Response:
        """List the order's events, oldest first; in full to staff with `orders.view_timeline`.

        Personal facts are among them with `privacy.view_personal_data`, until they are erased.
        """
        order = self.get_object()
        entries = event_log.timeline(order.pk)
        if not may(request, "orders.view_timeline"):
            return Response([timeline.for_customer(entry) for entry in entries])
        personal = may(request, "privacy.view_personal_data") and not order.is_erased
        return Response([timeline.for_staff(entry) for entry in shown(entries, personal=personal)])


class OrderReceipt(MyOrders):
    """Receipt of an order."""

    queryset = Order.objects.only("pk", "serial", "ship_name", "ship_street")
    filter_backends = []

    @extend_schema(
        summary="Get an order's receipt", tags=["orders"], responses={200: ReceiptOut, 404: NOT_FOUND}
    )
    def get(self, request: Request, pk: str) -> Response:
        """Return the order's events as they were hashed, with the path to a signed root of the log.

        The receipt can be verified without the shop. Data of all events are for staff with
        `orders.view_timeline`; others get those of `OrderCreated`, and the hashes of the rest.
        """
        order = self.get_object()
        everything = may(request, "orders.view_timeline")
        personal = may(request, "privacy.view_personal_data") and not order.is_erased

        def with_data(type_: str) -> bool:
            if is_replaced(type_):  # perhaps from before personal facts were sealed
                return everything and personal
            return everything or type_ == OrderCreated.type

        return Response({"order": order.number, **receipt(order.pk, with_data=with_data)})


def _place(request: Request, data: dict[str, Any]) -> Order:
    assert isinstance(request.user, User)  # noqa: S101 - the permission class lets nobody else in
    try:
        return services.place_order(
            customer=request.user,
            request=_requested(data),
            idempotency_key=key_of(request),
            unknown_address=has_scope(request, IMPORT),
        )
    except InvalidOrder as refusal:
        raise as_validation_error(refusal) from refusal
    except IdempotencyKeyReused as refusal:
        raise problems.IdempotencyKeyReused(str(refusal)) from refusal
    except TooManyOrders as refusal:
        limits.refuse_orders(request, wait=refusal.wait)


def _cancel(order: Order) -> Order:
    return services.request_cancellation(order_id=order.pk, reason="customer")


@transaction.atomic
def _cancel_as_staff(request: Request, order: Order) -> Order:
    order = services.request_cancellation(order_id=order.pk, reason="operator")
    journal.record(request, order, "Requested the cancellation.")
    return order


def _requested(data: dict[str, Any]) -> OrderRequest:
    lines = [(line["sku"], line["quantity"]) for line in data.pop("lines")]
    return OrderRequest(lines=lines, ship_to=Address(**data.pop("ship_to")), **data)


def _as_placed(order: Order) -> Order:
    """Reset the order to its accepted state, so that a repeated request gets the answer of the first."""
    order.status, order.cancel_reason, order.attention_reason = Status.PLACED, "", ""
    order.payment_needs = ""
    return order
