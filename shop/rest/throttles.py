"""Throttles of the REST API: by account, and by address for anonymous requests."""

from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.auth.models import Group
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from shop.accounts import limits
from shop.accounts.addresses import client_address
from shop.accounts.limits import Limit

if TYPE_CHECKING:
    from rest_framework.views import APIView  # which imports this module

#: Seconds of the window.
MINUTE = 60


class _Throttle(BaseThrottle):
    """Throttle that counts requests in windows of a minute, in all processes together."""

    _limit: Limit | None = None

    def _allow(self, request: Request, name: str, client: str, quota: int) -> bool:
        if not quota:
            return True
        self._limit = limits.use(name, client, quota=quota, window=MINUTE)
        limits.announce(request, self._limit)
        return self._limit.remaining >= 0

    def wait(self) -> float | None:
        """Return the seconds until the window ends."""
        return self._limit.wait if self._limit else None


class AnonymousThrottle(_Throttle):
    """Limit on the requests of an address without an account."""

    def allow_request(self, request: Request, view: "APIView") -> bool:
        """Count an anonymous request."""
        if request.user.is_authenticated:
            return True
        quota = settings.SHOP_ANONYMOUS_REQUESTS_A_MINUTE
        return self._allow(request, "anonymous", client_address(request), quota)


class AccountThrottle(_Throttle):
    """Limit on the requests of an account, but for the methods that a view limits itself.

    A view names these methods in ``limited_otherwise``.
    """

    def allow_request(self, request: Request, view: "APIView") -> bool:
        """Count a request of an account."""
        user = request.user
        if not user.is_authenticated or request.method in getattr(view, "limited_otherwise", ()):
            return True
        allowed = self._allow(request, "account", str(user.pk), settings.SHOP_REQUESTS_A_MINUTE)
        return allowed or Group.objects.filter(user=user.pk, name=limits.UNLIMITED).exists()
