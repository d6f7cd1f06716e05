"""Root of the REST API, and the AsyncAPI document."""

from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse
from rest_framework.views import APIView

from shop.messaging.documents.asyncapi import document
from shop.rest.permissions import ANYONE

#: URL name and audience of each resource.
RESOURCES = {
    "products": ("product-list", "anyone"),
    "categories": ("category-list", "anyone"),
    "orders": ("order-list", "accounts (their own), and staff with permission"),
    "payments": ("payment-list", "staff with permission"),
    "stock": ("stock-list", "staff with permission"),
    "shipments": ("shipment-list", "staff with permission"),
    "notifications": ("notification-list", "staff with permission"),
    "daily sales": ("analytics-daily-sales", "staff with permission"),
    "best sellers": ("analytics-best-sellers", "staff with permission"),
    "funnel": ("analytics-funnel", "staff with permission"),
    "step times": ("analytics-step-times", "staff with permission"),
    "order history": ("analytics-orders", "staff with permission"),
    "projections": ("analytics-projections", "staff with permission"),
    "webhook endpoints": ("webhook-endpoint-list", "staff with permission"),
    "webhook deliveries": ("webhook-delivery-list", "staff with permission"),
    "token": ("token", "anyone: POST username and password"),
    "keys": ("key-list", "users (their own)"),
    "browse with a key": ("key-login", "users of a browser"),
    "OpenAPI": ("schema", "anyone"),
    "documentation": ("docs", "anyone"),
    "AsyncAPI": ("asyncapi", "anyone"),
    "events": ("asyncapi-docs", "anyone"),
}
#: Resources that SHOP_API_DOCS=0 closes.
_DOCS = {"key-login", "schema", "docs", "asyncapi", "asyncapi-docs"}


@extend_schema(exclude=True)
class ApiRoot(APIView):
    """Place orders and follow them. Everything after placing one happens through events."""

    permissions = {"GET": ANYONE}

    def get(self, request: Request) -> Response:
        """List the resources with URL and audience."""
        return Response(
            {
                name: {"url": reverse(url, request=request), "for": audience}
                for name, (url, audience) in RESOURCES.items()
                if settings.SHOP_API_DOCS or url not in _DOCS
            }
        )


@extend_schema(exclude=True)
class AsyncApi(APIView):
    """AsyncAPI 3 document of the events."""

    permissions = {"GET": ANYONE}
    renderer_classes = [JSONRenderer]

    def get(self, request: Request) -> Response:
        """Return the document."""
        asyncapi: dict[str, Any] = document()
        return Response(asyncapi)
