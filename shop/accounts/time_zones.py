"""Time zone of an operator: chosen once, or that of the browser. The admin's pages show times in it.

The REST API and the storefront stay with UTC.
"""

from collections.abc import Callable
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.urls import get_script_prefix, reverse
from django.utils import timezone

from shop.accounts.models import OperatorZone

#: Session key of the chosen zone, and the cookie of the browser's one, which console/admin.js sets.
SESSION_KEY, COOKIE = "time_zone", "shop_zone"


class TimeZoneMiddleware:
    """Show the admin's pages in the operator's zone."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Handle the request in its zone."""
        if not request.path_info.startswith(_admin()):
            return self.get_response(request)
        with timezone.override(ZoneInfo(zone_of(request))):
            return self.get_response(request)


@cache
def _admin() -> str:
    """Return the beginning of the paths of the admin, without the prefix of the shop itself."""
    return reverse("admin:index").removeprefix(get_script_prefix().rstrip("/"))


def zone_of(request: HttpRequest) -> str:
    """Return the name of the zone: the chosen one, else that of the browser, else UTC."""
    return str(request.session.get(SESSION_KEY) or guessed(request) or "UTC")


def guessed(request: HttpRequest) -> str:
    """Return the zone of the browser; empty if it tells none that is known."""
    told = request.COOKIES.get(COOKIE, "")
    return told if told in zones() else ""


def choose(request: HttpRequest, user: User, zone: str) -> None:
    """Keep the zone of an account; an empty one leaves it to the browser."""
    if zone:
        OperatorZone.objects.update_or_create(user=user, defaults={"zone": zone})
    else:
        OperatorZone.objects.filter(user=user).delete()
    request.session[SESSION_KEY] = zone


@cache
def zones() -> frozenset[str]:
    """Return the names of all zones, without those that are no places."""
    return frozenset(
        name
        for name in available_timezones()
        if name == "UTC" or ("/" in name and not name.startswith("Etc/"))
    )


@receiver(user_logged_in)
def _remember(request: HttpRequest, user: User, **_: Any) -> None:
    """Put the zone into the session, so that no page has to ask for it."""
    zone = OperatorZone.objects.filter(user=user).values_list("zone", flat=True).first()
    if zone in zones():
        request.session[SESSION_KEY] = zone
