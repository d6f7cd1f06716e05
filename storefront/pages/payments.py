"""Payment of an order: on the provider's page, and by other means after or instead of a former attempt."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from orders.payments import queries, services
from orders.queries import Details
from payments.queries import has_hosted_page
from storefront.forms import PaymentForm
from storefront.pages.own_orders import own_order
from storefront.pages.submitting import submit_once


@never_cache
@require_safe
@own_order()
def payment(request: HttpRequest, found: Details) -> HttpResponse:
    """Lead to the provider's page as soon as it is there; without a script, the page is asked for again.

    The page leads there by itself and not by a redirect: a form may be sent to the shop alone, and browsers
    count the redirects that follow it.
    """
    due = queries.payment_due(found.summary.id)
    if found.summary.status != "placed" or (due and not due.confirm_url):
        return redirect("storefront:order", found.summary.number)
    context = {"order": found.summary, "url": due.confirm_url if due else ""}
    response = render(request, "storefront/payment.html", context)
    response["Referrer-Policy"] = "no-referrer"
    return response


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@own_order(changes=True)
def pay(request: HttpRequest, found: Details) -> HttpResponse:
    """Ask for other means, and have the order paid with them."""
    due = queries.payment_due(found.summary.id)
    if due is None or not due.by_other_means:
        messages.error(
            request, gettext("{number} does not wait for a payment.").format(number=found.summary.number)
        )
        return redirect("storefront:order", found.summary.number)
    form = PaymentForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid() and _pay(request, found, form):
        page = "storefront:payment" if has_hosted_page() else "storefront:order"
        return redirect(page, found.summary.number)
    context = {"order": found.summary, "due": due, "form": form}
    return render(request, "storefront/pay.html", context, status=422 if form.errors else 200)


def _pay(request: HttpRequest, found: Details, form: PaymentForm) -> bool:
    def act() -> None:
        services.request_payment(order_id=found.summary.id, payment_method=form.means)

    return submit_once(request, form, act)
