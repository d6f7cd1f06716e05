"""Links from letters to the page of an order, and fresh ones for those that are too old."""

from django.contrib import messages
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from notifications.queries import address_of
from orders import queries
from shop.accounts import mails, order_links
from shop.accounts.models import AccountMail
from shop.accounts.queries import unconfirmed
from shop.privacy.queries import is_forgotten
from storefront.pages.own_orders import open_link, token_of
from storefront.pages.visitor import limit_mails, site_of

#: Answer to who asks for a fresh link, whether there is such an order or not.
SENT = _("If we know this order, a fresh link is on its way to the address that it was placed with.")


@never_cache
@require_safe
def link(request: HttpRequest, token: str) -> HttpResponseBase:
    """Open the page of an order by the link of a letter.

    The visitor goes on to an address without the token: what follows names it in no log and no Referer.
    """
    order_id = order_links.order_of(token)
    found = queries.order(order_id) if order_id else None
    number = "ORD-0"  # of no order
    if found:
        number = found.summary.number
        open_link(request, token, found.summary.id)
    is_good = (
        found and order_links.shows(token, found.summary.id) and not is_forgotten(found.summary.customer_id)
    )
    response = redirect("storefront:order" if is_good else "storefront:fresh-link", number)
    response["Referrer-Policy"] = "no-referrer"
    return response


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def fresh_link(request: HttpRequest, number: str) -> HttpResponseBase:
    """Mail a fresh link to the address of an order. The page is the same for an order that does not exist."""
    if request.method != "POST":
        return render(request, "storefront/fresh_link.html", {"number": number})
    limit_mails(request, "order-links")
    _send(request, number)
    messages.success(request, str(SENT))
    return redirect("storefront:fresh-link", number)


def _send(request: HttpRequest, number: str) -> None:
    """Mail a link, if the visitor once had one to this order, and its address is confirmed."""
    summary = queries.order_by_number(number)
    if summary is None or not order_links.order_of(token_of(request, summary)):
        return
    email = address_of(summary.id)
    if email and not is_forgotten(summary.customer_id) and not unconfirmed([email]):
        mails.enqueue(AccountMail.Kind.ORDER_LINK, email, site_of(request), order_id=summary.id)
