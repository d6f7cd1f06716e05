"""Views of returns: a customer asks to send goods of an own order back, or keeps them after all."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from orders.errors import OrdersError
from orders.queries import Details
from orders.returns import queries, services
from storefront.forms import ReturnForm
from storefront.pages.own_orders import own_order
from storefront.pages.submitting import submit_once


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@own_order(changes=True)
def send_back(request: HttpRequest, found: Details) -> HttpResponse:
    """Ask what is sent back and why, and request the return."""
    lines = queries.returnable_lines(found.summary.id)
    form = ReturnForm(lines, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid() and _request(request, found, form):
        return redirect("storefront:order", found.summary.number)
    if not lines:
        messages.error(
            request,
            gettext("Nothing of {number} can be sent back at the moment.").format(
                number=found.summary.number
            ),
        )
        return redirect("storefront:order", found.summary.number)
    return render(request, "storefront/send_back.html", {"order": found.summary, "form": form})


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@own_order(changes=True)
def keep(request: HttpRequest, found: Details, return_id: UUID) -> HttpResponse:
    """Ask for confirmation, or withdraw a return."""
    returns = {one.id: one for one in queries.returns_of_order(found.summary.id)}
    if return_id not in returns:
        raise Http404(f"{found.summary.number} has no such return.")
    if request.method != "POST" and returns[return_id].is_live:
        return render(request, "storefront/keep.html", {"order": found.summary, "return": returns[return_id]})
    try:
        services.cancel_return(order_id=found.summary.id, return_id=return_id)
    except OrdersError as refusal:
        messages.error(request, str(refusal))
    return redirect("storefront:order", found.summary.number)


def _request(request: HttpRequest, found: Details, form: ReturnForm) -> bool:
    def act() -> None:
        services.request_return(
            order_id=found.summary.id,
            lines=form.quantities,
            reason=form.cleaned_data["reason"],
            by_customer=True,
        )

    if not submit_once(request, form, act):
        return False
    messages.success(request, gettext("We have your request to send goods back, and will write to you."))
    return True
