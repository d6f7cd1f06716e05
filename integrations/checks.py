"""Checks of the settings of endpoints."""

from ipaddress import ip_network
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register


@register
def check_networks(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Refuse networks that are none."""
    try:
        for network in settings.SHOP_ENDPOINT_NETWORKS:
            ip_network(network)
    except ValueError as error:
        return [Error(f"SHOP_ENDPOINT_NETWORKS: {error}", id="integrations.E001")]
    return []
