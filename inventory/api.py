"""REST API of the catalogue and the stock."""

import django_filters
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiResponse,
    extend_schema,
    extend_schema_field,
    extend_schema_serializer,
    extend_schema_view,
)
from rest_framework import serializers
from rest_framework.generics import GenericAPIView, ListAPIView, RetrieveAPIView, get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from inventory import queries, services
from inventory.api_offers import ADD, CHANGE, AddsProducts, ChangesProducts
from inventory.bookings import BOOKABLE, Booking, Kind
from inventory.errors import (
    CountBelowReserved,
    InventoryError,
    NotEnoughStock,
    StockLimitExceeded,
    UnknownProduct,
)
from inventory.models import MAX_STOCK, Product
from inventory.serializers import SKU, ProductOut
from shop import journal
from shop.rest.contract import IF_MATCH
from shop.rest.etags import ETagged, check_if_match
from shop.rest.fields import TextField, WholeNumberField
from shop.rest.filters import BooleanFilter
from shop.rest.idempotency import idempotent
from shop.rest.lists import OfficeList
from shop.rest.permissions import ANYONE, may, staff
from shop.rest.problems import Conflict
from shop.rest.strict import StrictSerializer


class StockOut(serializers.Serializer[Product]):
    """Stock of a product."""

    sku = serializers.CharField()
    name = serializers.CharField()
    active = serializers.BooleanField()
    initial = serializers.IntegerField(source="initial_stock")
    on_hand = serializers.IntegerField(help_text="What there is: available, or reserved.")
    reserved = serializers.IntegerField(help_text="What is held for orders that are not paid yet.")
    available = serializers.IntegerField(help_text="What can be sold now.")


@extend_schema_field(
    {
        "type": "integer",
        "anyOf": [{"minimum": -MAX_STOCK, "maximum": -1}, {"minimum": 1, "maximum": MAX_STOCK}],
    }
)
class DifferenceField(WholeNumberField):
    """Whole number that makes a difference."""


@extend_schema_serializer(
    examples=[OpenApiExample("A broken mug", {"quantity": -1, "reason": "Broken"}, request_only=True)]
)
class AdjustmentIn(StrictSerializer):
    """A correction of the stock."""

    quantity = DifferenceField(
        min_value=-MAX_STOCK, max_value=MAX_STOCK, help_text="Positive for more, negative for less."
    )
    reason = TextField(max_length=200)


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "A delivery",
            {"kind": "received", "quantity": 24, "reason": "Delivery note 4711"},
            request_only=True,
        ),
        OpenApiExample(
            "A count", {"kind": "counted", "quantity": 17, "reason": "Yearly count"}, request_only=True
        ),
    ]
)
class BookingIn(StrictSerializer):
    """A booking of the stock of a product."""

    kind = serializers.ChoiceField(
        choices=[kind.value for kind in BOOKABLE],
        help_text="What came in, was lost or was counted; or a correction.",
    )
    quantity = WholeNumberField(
        min_value=-MAX_STOCK,
        max_value=MAX_STOCK,
        help_text="How many came in, were lost or are on hand, reserved ones included. Of a correction: "
        "positive for more, negative for less.",
    )
    reason = TextField(max_length=200, help_text="Kept with the movement: a delivery note, a cause.")


class ProductFilter(django_filters.FilterSet):  # type: ignore[misc]
    """Filters of products."""

    search = django_filters.CharFilter(method="having_all_words", label="Words in name, SKU or description")
    active = BooleanFilter(label="Whether it can be ordered")
    category = django_filters.CharFilter(field_name="category_id", label="Slug of the category")

    class Meta:
        model = Product
        fields: tuple[str, ...] = ()

    def having_all_words(self, products: QuerySet[Product], name: str, value: str) -> QuerySet[Product]:
        """Filter by words, each in name, SKU or description."""
        return products.filter(queries.having_all_words(value))


class VisibleProducts(GenericAPIView[Product]):
    """Base of the views of products: the active ones, and to staff with the permission all."""

    permissions = {"GET": ANYONE}
    serializer_class = ProductOut
    lookup_field = "sku"

    def get_queryset(self) -> QuerySet[Product]:
        """Restrict the public to active products."""
        if may(self.request, "inventory.view_product"):
            return Product.objects.all()
        return Product.objects.filter(active=True)


@extend_schema_view(get=extend_schema(summary="List products", tags=["products"]))
class Products(AddsProducts, OfficeList, VisibleProducts, ListAPIView[Product]):
    """List the catalogue, newest products first. Public. Staff adds products."""

    permissions = {"GET": ANYONE, "POST": ADD}
    filterset_class = ProductFilter


@extend_schema_view(get=extend_schema(summary="Read a product", tags=["products"], parameters=[SKU]))
class ProductDetail(ChangesProducts, ETagged, VisibleProducts, RetrieveAPIView[Product]):
    """Read one product. Public. Staff changes how it is sold."""

    permissions = {"GET": ANYONE, "PATCH": CHANGE}


@extend_schema_view(get=extend_schema(summary="List the stock", tags=["stock"]))
class Stock(OfficeList, ListAPIView[Product]):
    """List the stock of the products. For staff."""

    permissions = {"GET": staff("inventory.view_stock")}
    serializer_class = StockOut
    filterset_class = ProductFilter
    queryset = Product.objects.all()


@extend_schema_view(get=extend_schema(summary="Read a product's stock", tags=["stock"], parameters=[SKU]))
class StockDetail(ETagged, RetrieveAPIView[Product]):
    """Read the stock of one product. For staff."""

    permissions = Stock.permissions
    serializer_class = StockOut
    lookup_field = "sku"
    queryset = Product.objects.all()


class StockAdjustment(APIView):
    """Adjustment of a product's stock. For staff."""

    permissions = {"POST": staff("inventory.view_stock", "inventory.adjust_stock")}

    @extend_schema(
        summary="Adjust the stock of a product",
        tags=["stock"],
        parameters=[SKU, IF_MATCH],
        request=AdjustmentIn,
        responses={
            200: StockOut,
            400: OpenApiResponse(description="A field is wrong, missing or unknown."),
            404: OpenApiResponse(description="There is no such product."),
            409: OpenApiResponse(description="The stock would fall below zero or exceed the limit."),
        },
    )
    @idempotent(required=True)
    def post(self, request: Request, sku: str) -> Response:
        """Correct the stock by ``quantity``, and record the user and the reason."""
        adjustment = AdjustmentIn(data=request.data)
        adjustment.is_valid(raise_exception=True)
        locked = Product.objects.select_for_update()
        check_if_match(request, lambda: StockOut(get_object_or_404(locked, sku=sku)).data)
        booking = Booking(kind=Kind.ADJUSTED, sku=sku, **adjustment.validated_data)
        return Response(StockOut(_book(request, booking)).data)


class StockMovements(APIView):
    """Receipts, losses, counts and corrections of a product's stock. For staff."""

    permissions = StockAdjustment.permissions

    @extend_schema(
        summary="Book goods that came in, were lost or were counted",
        tags=["stock"],
        parameters=[SKU, IF_MATCH],
        request=BookingIn,
        responses={
            200: StockOut,
            400: OpenApiResponse(description="A field is wrong, missing or unknown."),
            404: OpenApiResponse(description="There is no such product."),
            409: OpenApiResponse(
                description="The stock would fall below zero or what is reserved, or exceed the limit."
            ),
        },
    )
    @idempotent(required=True)
    def post(self, request: Request, sku: str) -> Response:
        """Book a receipt, a loss, a count or a correction; record the user and the reason."""
        booking = BookingIn(data=request.data)
        booking.is_valid(raise_exception=True)
        locked = Product.objects.select_for_update()
        check_if_match(request, lambda: StockOut(get_object_or_404(locked, sku=sku)).data)
        return Response(StockOut(_book(request, Booking(sku=sku, **booking.validated_data))).data)


def _book(request: Request, booking: Booking) -> Product:
    actor = request.user.get_username()
    try:
        with transaction.atomic():
            [entry] = services.book(bookings=[booking], actor=actor)
            journal.record(request, entry.product, str(entry))
            return entry.product
    except UnknownProduct as unknown:
        raise Http404 from unknown
    except (NotEnoughStock, StockLimitExceeded, CountBelowReserved) as refusal:
        raise Conflict(str(refusal)) from refusal
    except InventoryError as error:
        raise serializers.ValidationError({"quantity": [str(error)]}) from error
