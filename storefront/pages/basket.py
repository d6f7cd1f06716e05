"""Views of the basket."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from inventory import queries as inventory
from inventory.queries import CatalogueItem
from orders.intake import MAX_QUANTITY
from storefront.basket import Basket, BasketFull
from storefront.forms import AddForm, ChangeForm
from storefront.pages.visitor import next_page


@never_cache
@require_safe
def basket(request: HttpRequest) -> HttpResponse:
    """Show the basket."""
    return render(request, "storefront/basket.html", {"basket": Basket(request).contents()})


@require_POST
def add(request: HttpRequest) -> HttpResponse:
    """Add a product to the basket, unless it cannot be bought."""
    form = AddForm(request.POST)
    item = inventory.product(form.cleaned_data["sku"]) if form.is_valid() else None
    if item is None:
        messages.error(
            request, gettext("This could not be put into the basket: choose a product and a quantity.")
        )
    elif not item.can_be_ordered:
        messages.error(
            request, gettext("{name} is sold out: it was not put into the basket.").format(name=item.name)
        )
    else:
        _add(request, item, form.cleaned_data["quantity"])
    return redirect(next_page(request, "storefront:basket"))


def _add(request: HttpRequest, item: CatalogueItem, quantity: int) -> None:
    try:
        Basket(request).add(item.sku, quantity)
    except BasketFull as error:
        messages.error(request, str(error))
    else:
        messages.success(request, gettext("{name} is in your basket.").format(name=item.name))


@require_POST
def change(request: HttpRequest) -> HttpResponse:
    """Change the quantity of a product in the basket; 0 removes it."""
    form = ChangeForm(request.POST)
    basket = Basket(request)
    if form.is_valid() and form.cleaned_data["sku"] in basket:
        basket.put(form.cleaned_data["sku"], form.cleaned_data["quantity"])
    elif "quantity" in form.errors:
        messages.error(
            request,
            gettext("Enter a quantity from 1 to {max_quantity}, or 0 to remove the product.").format(
                max_quantity=MAX_QUANTITY
            ),
        )
    return redirect("storefront:basket")
