"""Address of the client that a request comes from."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import TypeAlias

from django.conf import settings
from django.http import HttpRequest
from rest_framework.request import Request

Address: TypeAlias = IPv4Address | IPv6Address


def client_address(request: HttpRequest | Request) -> str:
    """Return the client's address; of IPv6 its network of 64 bits, which one client has for itself.

    ``X-Forwarded-For`` counts only as far as trusted proxies have written it. An empty string means that the
    server does not know the address, as at a Unix socket.
    """
    nearest = _parsed(request.META.get("REMOTE_ADDR", ""))
    for text in reversed(request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")):
        before = _parsed(text)
        if nearest is None or before is None or not _is_trusted(nearest):
            break
        nearest = before
    return _grouped(nearest) if nearest else ""


def _is_trusted(address: Address) -> bool:
    return any(address in network for network in settings.SHOP_TRUSTED_PROXIES)


def _parsed(text: str) -> Address | None:
    text = text.strip()
    if "." in text and text.count(":") == 1:  # IPv4 with a port, as some proxies write
        text = text.partition(":")[0]
    try:
        address = ip_address(text.removeprefix("[").partition("]")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _grouped(address: Address) -> str:
    if isinstance(address, IPv4Address):
        return str(address)
    return str(ip_network((int(address), 64), strict=False))
