"""Settings of django-unfold, the theme of the admin. The colours are in console/admin.css."""

import os
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _

from shop.environment import listed, seconds


def admin_settings() -> dict[str, Any]:
    """Return the settings of the admin's pages, and of the alerts to its operators."""
    return {
        #: Addresses that alerts go to, with commas between.
        "SHOP_ALERT_EMAILS": listed("SHOP_ALERT_EMAILS"),
        #: Address of a chat that takes ``{"text": ...}``.
        "SHOP_ALERT_WEBHOOK": os.environ.get("SHOP_ALERT_WEBHOOK", ""),
        #: Time after an alert in which the same thing does not alert again.
        "SHOP_ALERT_QUIET_TIME": seconds("SHOP_ALERT_QUIET_SECONDS", 3600),
        #: Address of the pages of RabbitMQ's management plugin, for a link; empty without it.
        "SHOP_RABBITMQ_MANAGEMENT_URL": os.environ.get("SHOP_RABBITMQ_MANAGEMENT_URL", ""),
        "UNFOLD": {
            "SITE_TITLE": "shop",
            "SITE_HEADER": _("shop operations"),
            "SITE_SYMBOL": "storefront",
            "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": _icon}],
            "COLORS": {},
            "SHOW_LANGUAGES": True,
            "ACCOUNT": {
                "navigation": [
                    {"title": _("Change password"), "link": reverse_lazy("admin:password_change")},
                    {"title": _("Time zone"), "link": reverse_lazy("time-zone")},
                ]
            },
            "SIDEBAR": {"navigation": "console.navigation.navigation"},
            "DASHBOARD_CALLBACK": "console.home.page.home",
        },
    }


def _icon(request: HttpRequest) -> str:
    return f"/{settings.STATIC_URL.lstrip('/')}storefront/icon.svg"
