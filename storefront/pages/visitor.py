"""Customer of a request, and redirects to the next page."""

from django.conf import settings
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.shortcuts import resolve_url
from django.utils.http import url_has_allowed_host_and_scheme

from shop.accounts import limits
from shop.accounts.addresses import client_address


def customer_of(request: HttpRequest) -> User:
    """Return the logged-in customer of a view with ``login_required``."""
    assert isinstance(request.user, User)  # noqa: S101 - ensured by @login_required
    return request.user


def next_page(request: HttpRequest, default: str) -> str:
    """Return the URL in the ``next`` parameter if it is on this site, or else that of a named page."""
    url = request.POST.get("next") or request.GET.get("next", "")
    is_safe = url_has_allowed_host_and_scheme(url, {request.get_host()}, require_https=request.is_secure())
    return url if is_safe else resolve_url(default)


def site_of(request: HttpRequest) -> str:
    """Return scheme and host of the site, for links in e-mails. Django has checked the host."""
    return f"{request.scheme}://{request.get_host()}"


def limit_mails(request: HttpRequest, what: str) -> None:
    """Count what makes the shop write to an address that anybody may enter.

    Raises:
        TooManyRequests: too many such requests came from the visitor's network address within an hour.
    """
    quota: int = settings.SHOP_REGISTRATIONS_AN_ADDRESS
    limits.enforce(request, what, client_address(request), quota=quota, window=60 * 60)
