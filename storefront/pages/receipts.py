"""Receipt of an order, to print: what was bought, paid and given back."""

from decimal import Decimal

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from orders.queries import Details
from payments import queries as payments
from shipping import queries as shipping
from storefront.pages.own_orders import own_order


@never_cache
@require_safe
@own_order()
def receipt(request: HttpRequest, found: Details) -> HttpResponse:
    """Show the receipt of an order, with what was paid and given back up to now."""
    paid = [one for one in payments.payments_of(found.summary.id) if one.captured.amount]
    refunds = [refund for one in paid for refund in one.refunds if refund.state == "succeeded"]
    given_back = sum((refund.amount.amount for refund in refunds), start=Decimal(0))
    shipment = shipping.shipment_of(found.summary.id)
    context = {
        "order": found,
        "paid": paid,
        "refunds": sorted(refunds, key=lambda refund: refund.updated_at),
        "balance": sum((one.captured.amount for one in paid), start=Decimal(0)) - given_back,
        "shipped_at": shipment.shipped_at if shipment else None,
        "sender": settings.SHOP_SENDER,
        "shop": settings.OTP_TOTP_ISSUER,
    }
    return render(request, "storefront/receipt.html", context)
