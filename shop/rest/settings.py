"""Settings of the REST API and of its OpenAPI document."""

from typing import Any

from shop.rest.introduction import DESCRIPTION, TAGS

_FRAMEWORK = {
    # Keys first, so that an anonymous request gets 401 with WWW-Authenticate, and not 403.
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "shop.rest.fast.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
        "shop.rest.key_login.KeySessionAuthentication",
    ],
    "DEFAULT_PARSER_CLASSES": ["shop.rest.fast.parsing.JSONParser"],
    "DEFAULT_PERMISSION_CLASSES": ["shop.rest.permissions.HasPermissions"],
    "DEFAULT_THROTTLE_CLASSES": [
        "shop.rest.throttles.AnonymousThrottle",
        "shop.rest.throttles.AccountThrottle",
    ],
    "DEFAULT_PAGINATION_CLASS": "shop.rest.pagination.KeysetPagination",
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_SCHEMA_CLASS": "shop.rest.contract.ContractSchema",
    "URL_FORMAT_OVERRIDE": None,  # the header Accept decides
    "EXCEPTION_HANDLER": "shop.rest.problems.exception_handler",
    "PAGE_SIZE": 50,
}
_DOCUMENT = {
    "TITLE": "shop",
    "DESCRIPTION": DESCRIPTION,
    "TAGS": TAGS,
    "VERSION": "1.0.0",
    "OAS_VERSION": "3.1.0",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    # The key stays in the browser until it is logged out.
    "SWAGGER_UI_SETTINGS": {"deepLinking": True, "persistAuthorization": True, "filter": True},
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "integrations.openapi.add_webhooks",
    ],
    "ENUM_NAME_OVERRIDES": {
        "OrderStatus": "orders.states.Status",
        "PaymentState": "payments.models.Payment.State",
        "RefundState": "payments.models.Refund.State",
        "ShipmentState": "shipping.models.Shipment.State",
        "TrackingStatus": "shipping.models.STATUSES",
        "NotificationState": "notifications.models.State",
        "NotificationKind": "notifications.models.Kind",
        "EndpointState": "integrations.models.Endpoint.State",
        "DeliveryState": "integrations.models.Delivery.State",
    },
}


def rest_settings(*, has_browsable_api: bool) -> dict[str, Any]:
    """Return the settings of REST Framework and drf-spectacular."""
    renderers = ["shop.rest.fast.rendering.JSONRenderer"]
    if has_browsable_api:
        renderers.append("shop.rest.browsable.BrowsableAPIRenderer")
    return {
        "REST_FRAMEWORK": {**_FRAMEWORK, "DEFAULT_RENDERER_CLASSES": renderers},
        "SPECTACULAR_SETTINGS": _DOCUMENT,
    }
