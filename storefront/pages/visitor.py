"""Customer of a request, and redirects to the next page."""

from django.contrib.auth.models import User
from django.http import HttpRequest
from django.shortcuts import resolve_url
from django.utils.http import url_has_allowed_host_and_scheme


def customer_of(request: HttpRequest) -> User:
    """Return the logged-in customer of a view with ``login_required``."""
    assert isinstance(request.user, User)  # noqa: S101 - ensured by @login_required
    return request.user


def next_page(request: HttpRequest, default: str) -> str:
    """Return the URL in the ``next`` parameter if it is on this site, or else that of a named page."""
    url = request.POST.get("next") or request.GET.get("next", "")
    is_safe = url_has_allowed_host_and_scheme(url, {request.get_host()}, require_https=request.is_secure())
    return url if is_safe else resolve_url(default)
