"""Orders that a visitor may see: those of the account, and those whose link from a letter was opened."""

from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect

from orders import queries
from orders.queries import Details, Summary
from shop.accounts import guests, order_links
from shop.privacy.queries import is_forgotten

#: Key of the session: order id -> token of the latest link that was opened.
_OPENED = "order_links"
#: The most links that a session remembers.
MAX_OPENED = 20

View = Callable[..., HttpResponseBase]


def open_link(request: HttpRequest, token: str, order_id: UUID) -> None:
    """Let the visitor see the order of a token from now on, as long as the token is good."""
    opened = request.session.get(_OPENED, {})
    opened.pop(str(order_id), None)  # the latest ones stay
    kept = [*opened.items(), (str(order_id), token)][-MAX_OPENED:]
    request.session[_OPENED] = dict(kept)


def own_order(*, changes: bool = False) -> Callable[[View], View]:
    """Hand a view the order with the number of its URL, if the visitor may see it, or change it.

    Others get the same answer whether there is such an order: a login, or 404 if they are logged in.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def wrapper(request: HttpRequest, number: str, *args: Any, **kwargs: Any) -> HttpResponseBase:
            summary = queries.order_by_number(number)
            return _answer(request, view, summary, changes, *args, **kwargs)

        return wrapper

    return decorate


def _answer(
    request: HttpRequest, view: View, summary: Summary | None, changes: bool, *args: Any, **kwargs: Any
) -> HttpResponseBase:
    if summary and is_owner(request, summary):
        return view(request, _details(summary), *args, **kwargs)
    token = token_of(request, summary) if summary else ""
    if summary and token:
        permits = order_links.permits_changes if changes else order_links.shows
        if permits(token, summary.id) and not is_forgotten(summary.customer_id):
            _claim(request, summary)
            return view(request, _details(summary), *args, **kwargs)
        return redirect("storefront:fresh-link", summary.number)
    return refuse(request)


def refuse(request: HttpRequest) -> HttpResponseBase:
    """Refuse to show an order, without a word on whether there is one."""
    if request.user.is_authenticated:
        raise Http404("You have no such order.")
    return redirect_to_login(request.get_full_path())


def is_owner(request: HttpRequest, summary: Summary) -> bool:
    """Tell whether an order is one of the visitor's account, or of a guest whom the visitor has claimed."""
    user = request.user
    if not isinstance(user, User):
        return False
    return guests.is_own(user.pk, summary.customer_id)


def _claim(request: HttpRequest, summary: Summary) -> None:
    """Let the reader of a link who is logged in, with the guest's own address, have the guest's orders."""
    if isinstance(request.user, User):
        guests.claim(request.user, account_id=summary.customer_id)


def token_of(request: HttpRequest, summary: Summary) -> str:
    """Return the token of the latest link to an order that was opened, however old; empty without one."""
    token: str = request.session.get(_OPENED, {}).get(str(summary.id), "")
    return token


def shown_by_link(request: HttpRequest, summary: Summary) -> bool:
    """Tell whether the visitor has opened a link that shows an order."""
    return order_links.shows(token_of(request, summary), summary.id) and not is_forgotten(summary.customer_id)


def _details(summary: Summary) -> Details:
    found = queries.order(summary.id)
    if found is None:
        raise Http404(f"There is no order {summary.number} any more.")
    return found
