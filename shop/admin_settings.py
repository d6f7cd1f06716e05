"""Settings of django-unfold, the theme of the admin. The colours are in console/admin.css."""

from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static


def admin_settings() -> dict[str, Any]:
    """Return the settings of the admin's pages."""
    return {
        "UNFOLD": {
            "SITE_TITLE": "shop",
            "SITE_HEADER": "shop operations",
            "SITE_SYMBOL": "storefront",
            "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": _icon}],
            "COLORS": {},
            "SIDEBAR": {"navigation": "console.navigation.navigation"},
            "DASHBOARD_CALLBACK": "console.home.page.home",
        }
    }


def _icon(request: HttpRequest) -> str:
    return static("storefront/icon.svg")
