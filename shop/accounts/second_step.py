"""Second step of a login, the same behind every door: until it is done, the session opens nothing else.

Storefront, admin and browsable API have logins of their own, and none knows of second factors. The session
that begins there is marked; a middleware takes the user from its requests and leads to the second step.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import Resolver404, resolve, reverse
from django.utils.http import urlencode

from shop.accounts.two_factor import has_device

#: Session key of the step.
SESSION_KEY = "second_step"
#: Names of the URLs that a session opens before the step is done.
_OPEN = {"storefront:second-step", "storefront:two-factor", "storefront:logout", "admin:logout"}


class Step(StrEnum):
    """Step that a session owes before it opens anything."""

    #: A code.
    CODE = "code"
    #: A device: the shop requires one of staff.
    DEVICE = "device"
    #: Nothing.
    DONE = "done"


@receiver(user_logged_in)
def _mark_session(request: HttpRequest, user: User, **_: Any) -> None:
    if has_device(user):
        request.session[SESSION_KEY] = Step.CODE
    elif needs_device(user):
        request.session[SESSION_KEY] = Step.DEVICE
    else:
        request.session.pop(SESSION_KEY, None)


def needs_device(user: User) -> bool:
    """Tell whether the shop requires a second factor of a user, enrolled or not."""
    return settings.SHOP_REQUIRE_TWO_FACTOR and user.is_staff


def finish(request: HttpRequest) -> None:
    """Open the session, under a new key."""
    request.session.cycle_key()
    request.session[SESSION_KEY] = Step.DONE


def owed_by(request: HttpRequest) -> Step:
    """Return what a session owes. Sessions from before a second factor was required owe it, too."""
    step = request.session.get(SESSION_KEY)
    user = request.user
    if step is None and settings.SHOP_REQUIRE_TWO_FACTOR and isinstance(user, User) and needs_device(user):
        step = request.session[SESSION_KEY] = Step.CODE if has_device(user) else Step.DEVICE
    return Step(step) if step else Step.DONE


class SecondStepMiddleware:
    """Lead sessions that owe the second step there. All else sees an anonymous user until it is done."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Handle the request."""
        if settings.SESSION_COOKIE_NAME not in request.COOKIES:
            return self.get_response(request)
        step = owed_by(request)
        if step is Step.DONE or _is_open(request):
            return self.get_response(request)
        request.user = AnonymousUser()
        if request.path.startswith("/api/v1/"):
            return self.get_response(request)
        page = "second-step" if step is Step.CODE else "two-factor"
        to = request.get_full_path() if request.method == "GET" else "/"
        return redirect(f"{reverse(f'storefront:{page}')}?{urlencode({'next': to})}")


def _is_open(request: HttpRequest) -> bool:
    try:
        return resolve(request.path_info).view_name in _OPEN
    except Resolver404:
        return False
