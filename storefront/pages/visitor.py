"""Who looks at a page, and where they go next."""

from django.contrib.auth.models import User
from django.http import HttpRequest
from django.shortcuts import resolve_url
from django.utils.http import url_has_allowed_host_and_scheme


def customer_of(request: HttpRequest) -> User:
    """Whoever is logged in; for pages that let nobody else in."""
    assert isinstance(request.user, User)  # noqa: S101 - @login_required sees to it
    return request.user


def next_page(request: HttpRequest, otherwise: str) -> str:
    """Where the form says to go next if that is a page of ours, or else the page with this name."""
    wanted = request.POST.get("next") or request.GET.get("next", "")
    ours = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if ours else resolve_url(otherwise)
