"""Views of a customer's own orders; the orders of others are answered with 404."""

import hashlib
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
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
from shop.accounts.queries import pending_address
from storefront.basket import Basket, BasketFull
from storefront.order_page import load_order_page
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
    mine = customer_of(request).pk
    found = queries.latest_orders(customer_id=mine, before=before, limit=PAGE_SIZE + 1)
    context = {
        "orders": found[:PAGE_SIZE],
        "before": before,
        "more_before": found[PAGE_SIZE - 1].id if len(found) > PAGE_SIZE else None,
    }
    return render(request, "storefront/orders.html", context)


@never_cache
@login_required
@require_safe
def order(request: HttpRequest, number: str) -> HttpResponse:
    """Show an order; the page asks :func:`live` for updates, when the feed says so and from time to time."""
    page = load_order_page(my_order(request, number))
    has_feed = settings.SHOP_FEED and page.poll_interval
    context = {
        "page": page,
        "unconfirmed": pending_address(customer_of(request)),
        "events": reverse("order-events", args=[page.order.summary.id]) if has_feed else "",
    }
    return render(request, "storefront/order.html", context)


@login_required
@require_safe
def order_by_id(request: HttpRequest, order_id: UUID) -> HttpResponse:
    """Redirect from the id of an order to its page."""
    found = queries.order(order_id, customer_id=customer_of(request).pk)
    if found is None:
        raise Http404
    return redirect("storefront:order", found.summary.number)


@never_cache
@login_required
@require_safe
def live(request: HttpRequest, number: str) -> HttpResponse:
    """Return the live part of an order's page; 304 if it has not changed since the client's ETag."""
    page = load_order_page(my_order(request, number))
    response = render(request, "storefront/order_progress.html", {"page": page})
    etag = f'"{hashlib.sha256(response.content).hexdigest()[:32]}"'
    response["ETag"] = etag
    return get_conditional_response(request, etag=etag, response=response) or response


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def cancel(request: HttpRequest, number: str) -> HttpResponse:
    """Ask for confirmation, or request the cancellation of an order."""
    found = my_order(request, number)
    if request.method == "POST":
        _cancel(request, found)
    elif found.summary.is_cancellable:
        return render(request, "storefront/cancel.html", {"order": found.summary})
    elif found.summary.status != "cancelling":
        messages.error(request, _too_late(found))
    return redirect("storefront:order", found.summary.number)


@login_required
@require_POST
def again(request: HttpRequest, number: str) -> HttpResponse:
    """Put the lines of an order into the basket."""
    basket = Basket(request)
    try:
        for line in my_order(request, number).lines:
            basket.add(line.sku, line.quantity)
    except BasketFull as error:
        messages.error(request, str(error))
    return redirect("storefront:basket")


def _cancel(request: HttpRequest, found: Details) -> None:
    try:
        services.request_cancellation(order_id=found.summary.id, reason="customer")
    except TooLateToCancel:
        messages.error(request, _too_late(my_order(request, found.summary.number)))


def _too_late(found: Details) -> str:
    reason = str(TOO_LATE_REASONS.get(found.summary.status, gettext("it has come too far")))
    if found.summary.status == "delivered" and returnable_lines(found.summary.id):
        reason += gettext(". You can send it back")
    return TOO_LATE.format(found.summary.number, reason)


def my_order(request: HttpRequest, number: str) -> Details:
    """Return the customer's order with a number, or raise Http404."""
    mine = customer_of(request).pk
    summary = queries.order_by_number(number)
    found = queries.order(summary.id, customer_id=mine) if summary else None
    if found is None:
        raise Http404(f"You have no order {number}.")
    return found


def _as_uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
