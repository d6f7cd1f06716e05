"""Root of the REST API, and the AsyncAPI document."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse
from rest_framework.views import APIView

from shop.messaging.documents.asyncapi import document

#: URL name and audience of each resource.
RESOURCES = {
    "products": ("product-list", "anyone"),
    "orders": ("order-list", "customers (their own) and staff"),
    "payments": ("payment-list", "staff"),
    "stock": ("stock-list", "staff"),
    "shipments": ("shipment-list", "staff"),
    "notifications": ("notification-list", "staff"),
    "daily sales": ("analytics-daily-sales", "staff"),
    "best sellers": ("analytics-best-sellers", "staff"),
    "funnel": ("analytics-funnel", "staff"),
    "step times": ("analytics-step-times", "staff"),
    "token": ("token", "anyone: POST username and password"),
    "keys": ("key-list", "users (their own)"),
    "OpenAPI": ("schema", "anyone"),
    "documentation": ("docs", "anyone"),
    "AsyncAPI": ("asyncapi", "anyone"),
}


@extend_schema(exclude=True)
class ApiRoot(APIView):
    """Place orders and follow them. Everything after placing one happens through events."""

    permission_classes = [AllowAny]

    def get(self, request: Request) -> Response:
        """List the resources with URL and audience."""
        return Response(
            {
                name: {"url": reverse(url, request=request), "for": audience}
                for name, (url, audience) in RESOURCES.items()
            }
        )


@extend_schema(exclude=True)
class AsyncApi(APIView):
    """AsyncAPI 3 document of the events."""

    permission_classes = [AllowAny]
    renderer_classes = [JSONRenderer]

    def get(self, request: Request) -> Response:
        """Return the document."""
        asyncapi: dict[str, Any] = document()
        return Response(asyncapi)
