"""Payment of an order by other means, after a decline or instead of a confirmation."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from orders.payments import queries, services
from orders.queries import Details
from storefront.forms import PaymentForm
from storefront.pages.orders import my_order
from storefront.pages.submitting import submit_once


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def pay(request: HttpRequest, number: str) -> HttpResponse:
    """Ask for a card, and have the order paid with it."""
    found = my_order(request, number)
    due = queries.payment_due(found.summary.id)
    if due is None or not due.by_other_means:
        messages.error(request, f"{found.summary.number} does not wait for a payment.")
        return redirect("storefront:order", found.summary.number)
    form = PaymentForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid() and _pay(request, found, form):
        return redirect("storefront:order", found.summary.number)
    context = {"order": found.summary, "due": due, "form": form}
    return render(request, "storefront/pay.html", context, status=422 if form.errors else 200)


def _pay(request: HttpRequest, found: Details, form: PaymentForm) -> bool:
    def act() -> None:
        services.request_payment(
            order_id=found.summary.id, payment_method=form.cleaned_data["payment_method"]
        )

    return submit_once(request, form, act)
