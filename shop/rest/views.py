"""The entrance of the REST API, and what describes it."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.authtoken.views import ObtainAuthToken
from rest_framework.permissions import AllowAny
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse
from rest_framework.views import APIView

from shop.messaging.documents.asyncapi import document
from shop.rest.fast.parsing import JSONParser

#: Name of the URL and for whom it is.
ENTRANCES = {
    "products": ("product-list", "anybody"),
    "orders": ("order-list", "customers (their own) and staff"),
    "payments": ("payment-list", "staff"),
    "stock": ("stock-list", "staff"),
    "shipments": ("shipment-list", "staff"),
    "notifications": ("notification-list", "staff"),
    "daily sales": ("analytics-daily-sales", "staff"),
    "best sellers": ("analytics-best-sellers", "staff"),
    "funnel": ("analytics-funnel", "staff"),
    "step times": ("analytics-step-times", "staff"),
    "token": ("token", "anybody: POST username and password"),
    "OpenAPI": ("schema", "anybody"),
    "documentation": ("docs", "anybody"),
    "AsyncAPI": ("asyncapi", "anybody"),
}


@extend_schema(exclude=True)
class Entrance(APIView):
    """Place orders and follow them. Everything after placing one happens through events."""

    permission_classes = [AllowAny]

    def get(self, request: Request) -> Response:
        """Show what there is, and for whom."""
        return Response(
            {
                name: {"url": reverse(url, request=request), "for": whom}
                for name, (url, whom) in ENTRANCES.items()
            }
        )


class Token(ObtainAuthToken):
    """Exchange username and password for a token: send it as ``Authorization: Token …``."""

    parser_classes = (JSONParser,)
    renderer_classes = (JSONRenderer,)
    throttle_scope = "token"


@extend_schema(exclude=True)
class AsyncApi(APIView):
    """The events, as an AsyncAPI 3 document."""

    permission_classes = [AllowAny]
    renderer_classes = [JSONRenderer]

    def get(self, request: Request) -> Response:
        """Describe every event that other programs may subscribe to."""
        described: dict[str, Any] = document()
        return Response(described)
