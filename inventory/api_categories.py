"""REST API of the categories of the catalogue."""

from typing import Any

from django.db import transaction
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_view
from rest_framework.generics import GenericAPIView, ListAPIView, RetrieveAPIView, get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response

from inventory import services
from inventory.api_offers import WRONG, run
from inventory.models import Category
from inventory.serializers import SLUG, CategoryChangeIn, CategoryIn, CategoryOut
from shop import journal
from shop.rest.contract import IF_MATCH
from shop.rest.etags import ETagged, check_if_match
from shop.rest.idempotency import idempotent
from shop.rest.pagination import KeysetPagination
from shop.rest.permissions import ANYONE, staff


class ByPosition(KeysetPagination):
    """Pages in the order of the storefront."""

    ordering = ("position", "slug")  # type: ignore[assignment]  # as DRF takes it


class CategoryView(GenericAPIView[Category]):
    """Base of the views of categories."""

    serializer_class: Any = CategoryOut
    queryset = Category.objects.all()
    lookup_field = "slug"


@extend_schema_view(get=extend_schema(summary="List categories", tags=["products"]))
class Categories(CategoryView, ListAPIView[Category]):
    """List the categories in the order of the storefront. Public. Staff adds categories."""

    permissions = {"GET": ANYONE, "POST": staff("inventory.view_category", "inventory.add_category")}
    pagination_class = ByPosition

    def get_serializer_class(self) -> Any:
        """Return the serializer of requests for the form of the browsable API."""
        return CategoryIn if self.request and self.request.method == "POST" else CategoryOut

    @extend_schema(
        summary="Add a category",
        tags=["products"],
        request=CategoryIn,
        responses={
            201: CategoryOut,
            400: WRONG,
            409: OpenApiResponse(description="There is a category with this slug: change that one."),
        },
    )
    @idempotent()
    def post(self, request: Request) -> Response:
        """Add a category. Customers see it once it has a product on sale."""
        body = CategoryIn(data=request.data)
        body.is_valid(raise_exception=True)
        with transaction.atomic():
            category = run(lambda: services.add_category(**body.validated_data))
            journal.record(request, category, "Added it.")
        return Response(CategoryOut(category, context=self.get_serializer_context()).data, status=201)


@extend_schema_view(get=extend_schema(summary="Read a category", tags=["products"], parameters=[SLUG]))
class CategoryDetail(ETagged, CategoryView, RetrieveAPIView[Category]):
    """Read one category. Public. Staff renames and moves it."""

    permissions = {"GET": ANYONE, "PATCH": staff("inventory.view_category", "inventory.change_category")}

    def get_serializer_class(self) -> Any:
        """Return the serializer of requests for the form of the browsable API."""
        return CategoryChangeIn if self.request and self.request.method == "PATCH" else CategoryOut

    @extend_schema(
        summary="Rename or move a category",
        tags=["products"],
        parameters=[SLUG, IF_MATCH],
        request=CategoryChangeIn,
        responses={
            200: CategoryOut,
            400: WRONG,
            404: OpenApiResponse(description="There is no such category."),
        },
    )
    @idempotent()
    def patch(self, request: Request, slug: str) -> Response:
        """Change name or position of a category. Its products stay in it."""
        body = CategoryChangeIn(data=request.data)
        body.is_valid(raise_exception=True)
        given, context = body.validated_data, self.get_serializer_context()
        with transaction.atomic():
            category = get_object_or_404(Category.objects.select_for_update(), slug=slug)
            check_if_match(request, lambda: CategoryOut(category, context=context).data)
            told = [f"{name}: {getattr(category, name)} → {value}" for name, value in given.items()]
            category = run(lambda: services.change_category(slug=slug, **given))
            journal.record(request, category, f"Changed {', '.join(told) or 'nothing'}.")
        return Response(CategoryOut(category, context=context).data)
