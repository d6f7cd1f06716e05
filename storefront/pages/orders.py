"""Views of a customer's own orders, and of one order for those who came by its link."""

import hashlib
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.cache import get_conditional_response
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from orders import queries, services
from orders.errors import TooLateToCancel
from orders.queries import Details
from orders.returns.queries import returnable_lines
from shop.accounts.guests import accounts_of
from shop.accounts.queries import pending_address
from storefront.basket import Basket, BasketFull
from storefront.order_page import load_order_page
from storefront.pages.own_orders import is_owner, own_order, refuse, shown_by_link
from storefront.pages.visitor import customer_of

PAGE_SIZE = 20
#: Message for a cancellation that came too late: order number and reason.
TOO_LATE = _("It is too late to cancel {}: {}.")
#: Reason by status of the order.
TOO_LATE_REASONS = {
    "shipped": _("the parcel has left. You can send it back once you have it"),
    "delivered": _("you have the parcel already"),
    "cancelled": _("it is cancelled already"),
    "needs_attention": _("we are looking into it and will get in touch with you"),
    "settled": _("we have closed it"),
}


@never_cache
@login_required
@require_safe
def my_orders(request: HttpRequest) -> HttpResponse:
    """Show a page of the customer's orders, newest first."""
    before = _as_uuid(request.GET.get("before", ""))
    mine = accounts_of(customer_of(request).pk)
    found = queries.latest_orders(customer_ids=mine, before=before, limit=PAGE_SIZE + 1)
    context = {
        "orders": found[:PAGE_SIZE],
        "before": before,
        "more_before": found[PAGE_SIZE - 1].id if len(found) > PAGE_SIZE else None,
    }
    return render(request, "storefront/orders.html", context)


@never_cache
@require_safe
@own_order()
def order(request: HttpRequest, found: Details) -> HttpResponse:
    """Show an order; the page asks :func:`live` for updates, when the feed says so and from time to time."""
    page = load_order_page(found)
    is_mine = is_owner(request, found.summary)
    # The feed asks for the account that has ordered.
    has_feed = settings.SHOP_FEED and page.poll_interval and found.summary.customer_id == request.user.pk
    context = {
        "page": page,
        "is_mine": is_mine,
        "is_visitor": not request.user.is_authenticated,
        "unconfirmed": pending_address(customer_of(request)) if is_mine else None,
        "events": reverse("order-events", args=[page.order.summary.id]) if has_feed else "",
    }
    return render(request, "storefront/order.html", context)


@require_safe
def order_by_id(request: HttpRequest, order_id: UUID) -> HttpResponseBase:
    """Redirect from the id of an order to its page."""
    found = queries.order(order_id)
    if found is None or not (is_owner(request, found.summary) or shown_by_link(request, found.summary)):
        return refuse(request)
    return redirect("storefront:order", found.summary.number)


@never_cache
@require_safe
@own_order()
def live(request: HttpRequest, found: Details) -> HttpResponse:
    """Return the live part of an order's page; 304 if it has not changed since the client's ETag."""
    page = load_order_page(found)
    response = render(request, "storefront/order_progress.html", {"page": page})
    etag = f'"{hashlib.sha256(response.content).hexdigest()[:32]}"'
    response["ETag"] = etag
    return get_conditional_response(request, etag=etag, response=response) or response


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@own_order(changes=True)
def cancel(request: HttpRequest, found: Details) -> HttpResponse:
    """Ask for confirmation, or request the cancellation of an order."""
    if request.method == "POST":
        _cancel(request, found)
    elif found.summary.is_cancellable:
        return render(request, "storefront/cancel.html", {"order": found.summary})
    elif found.summary.status != "cancelling":
        messages.error(request, _too_late(found))
    return redirect("storefront:order", found.summary.number)


@require_POST
@own_order()
def again(request: HttpRequest, found: Details) -> HttpResponse:
    """Put the lines of an order into the basket."""
    basket = Basket(request)
    try:
        for line in found.lines:
            basket.add(line.sku, line.quantity)
    except BasketFull as error:
        messages.error(request, str(error))
    return redirect("storefront:basket")


def _cancel(request: HttpRequest, found: Details) -> None:
    try:
        services.request_cancellation(order_id=found.summary.id, reason="customer")
    except TooLateToCancel:
        now = queries.order(found.summary.id) or found
        messages.error(request, _too_late(now))


def _too_late(found: Details) -> str:
    reason = str(TOO_LATE_REASONS.get(found.summary.status, gettext("it has come too far")))
    if found.summary.status == "delivered" and returnable_lines(found.summary.id):
        reason += gettext(". You can send it back")
    return TOO_LATE.format(found.summary.number, reason)


def _as_uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
