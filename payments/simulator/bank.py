"""Page of the simulated bank, on which a customer confirms a payment or refuses it.

The address is signed, so that whoever has it is the customer, as at a real bank. The bank then tells the shop
by a webhook, as Stripe does.
"""

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.utils.cache import add_never_cache_headers
from django.views.decorators.http import require_http_methods

from payments.confirmation import return_url
from payments.events import ProviderNoticeReceived
from payments.simulator.books import SimulatedCharge, reference_in
from payments.simulator.gateway import confirm
from shop.messaging.contracts import Money
from shop.simulation import webhooks
from shop.webhooks.endpoints import Notice

#: Name of the simulator among the providers.
PROVIDER = "simulator"

endpoint = webhooks.endpoint(PROVIDER, lambda notice_id: ProviderNoticeReceived(notice_id=notice_id))


@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest, signed: str) -> HttpResponse:
    """Show what is to be confirmed; with an answer, note it, tell the shop, and lead back to it."""
    reference = reference_in(signed)
    if reference is None or not settings.SHOP_PAYMENT_GATEWAY.startswith("payments.simulator."):
        raise Http404
    charge = get_object_or_404(SimulatedCharge, pk=reference)
    awaits = charge.status == SimulatedCharge.Status.REQUIRES_ACTION
    if request.method == "POST" and awaits and request.POST.get("answer") in {"confirm", "refuse"}:
        charge = confirm(reference, confirmed=request.POST["answer"] == "confirm")
        tell_shop(charge)
        return HttpResponseRedirect(_way_back(charge))
    context = {
        "awaits": awaits,
        "amount": Money.stored(charge.amount, charge.currency),
        "status": charge.get_status_display().lower(),
        "back": _way_back(charge),
    }
    response = TemplateResponse(request, "payments/simulated_bank.html", context)
    add_never_cache_headers(response)
    response["Referrer-Policy"] = "no-referrer"  # the address is a secret of the customer
    return response


def tell_shop(charge: SimulatedCharge) -> None:
    """Send a notice about a charge."""
    kind = "payment_intent.payment_failed" if charge.code else "payment_intent.amount_capturable_updated"
    notice = Notice(f"evt_{charge.reference}_{charge.status}", kind, charge.reference)
    webhooks.send(PROVIDER, {notice: {"id": charge.reference}})


def _way_back(charge: SimulatedCharge) -> str:
    return return_url(charge.order_id) if charge.order_id else settings.SHOP_URL
