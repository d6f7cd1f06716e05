"""REST API of the catalogue for staff: products are added, and how they are sold changes."""

from collections.abc import Callable
from typing import Any, TypeVar

from django.core.exceptions import ValidationError
from django.db import transaction
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.generics import GenericAPIView, get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response

from inventory import services
from inventory.errors import KnownCategory, KnownProduct
from inventory.models import Product
from inventory.serializers import SKU, OfferIn, ProductIn, ProductOut
from shop import journal
from shop.rest.contract import IF_MATCH
from shop.rest.etags import check_if_match
from shop.rest.idempotency import idempotent
from shop.rest.permissions import staff
from shop.rest.problems import Conflict

T = TypeVar("T")
ADD = staff("inventory.view_product", "inventory.add_product")
CHANGE = staff("inventory.view_product", "inventory.change_product")
WRONG = OpenApiResponse(description="A field is wrong, missing or unknown.")


class AddsProducts(GenericAPIView[Product]):
    """Mixin of the list of products: staff adds one."""

    def get_serializer_class(self) -> Any:
        """Return the serializer of requests for the form of the browsable API."""
        return ProductIn if self.request and self.request.method == "POST" else ProductOut

    @extend_schema(
        summary="Add a product",
        tags=["products"],
        request=ProductIn,
        responses={
            201: ProductOut,
            400: WRONG,
            409: OpenApiResponse(description="There is a product with this SKU: change that one."),
        },
    )
    @idempotent()
    def post(self, request: Request) -> Response:
        """Add a product with its stock. Customers see it at once, unless `active` is false."""
        given, reason = _columns(ProductIn, request)
        given["category"] = given.get("category") or ""
        with transaction.atomic():
            product = run(lambda: services.create_product(**given))
            journal.record(request, product, f"Added it.{reason}")
        shown = ProductOut(product, context=self.get_serializer_context()).data
        return Response(shown, status=201)


class ChangesProducts(GenericAPIView[Product]):
    """Mixin of the view of a product: staff changes how it is sold."""

    def get_serializer_class(self) -> Any:
        """Return the serializer of requests for the form of the browsable API."""
        return OfferIn if self.request and self.request.method == "PATCH" else ProductOut

    @extend_schema(
        summary="Change how a product is sold",
        tags=["products"],
        parameters=[SKU, IF_MATCH],
        request=OfferIn,
        responses={
            200: ProductOut,
            400: WRONG,
            404: OpenApiResponse(description="There is no such product."),
        },
    )
    @idempotent()
    def patch(self, request: Request, sku: str) -> Response:
        """Change price, name and the like. Orders that are placed keep the price that they were placed at."""
        given, reason = _columns(OfferIn, request)
        context = self.get_serializer_context()
        with transaction.atomic():
            product = get_object_or_404(Product.objects.select_for_update(), sku=sku)
            check_if_match(request, lambda: ProductOut(product, context=context).data)
            before = {name: product.value_of(name) for name in given}
            product = run(lambda: services.change_offer(sku=sku, **given))
            after = {name: product.value_of(name) for name in given}
            told = [f"{name}: {old} → {after[name]}" for name, old in before.items() if old != after[name]]
            journal.record(request, product, f"Changed {', '.join(told) or 'nothing'}.{reason}")
        return Response(ProductOut(product, context=context).data)


def _columns(kind: type[OfferIn], request: Request) -> tuple[dict[str, Any], str]:
    """Return the columns of a product that a request gives, and its reason as an entry ends with it."""
    body = kind(data=request.data)
    body.is_valid(raise_exception=True)
    given = dict(body.validated_data)
    if price := given.pop("price", None):
        given |= {"price": price["amount"], "currency": price["currency"]}
    reason = given.pop("reason", "")
    return given, f" Reason: {reason}" if reason else ""


def run(act: Callable[[], T]) -> T:
    """Run a service of the catalogue; its refusals become problems."""
    try:
        return act()
    except (KnownProduct, KnownCategory) as refusal:
        raise Conflict(str(refusal)) from refusal
    except ValidationError as error:
        raise serializers.ValidationError(error.message_dict, code="invalid") from error
