"""Views of the catalogue and of a product."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from inventory import queries as inventory

PAGE_SIZE = 24


@require_safe
def catalogue(request: HttpRequest) -> HttpResponse:
    """Show a page of the products that match a search, or of all products."""
    search, after = request.GET.get("q", "").strip(), request.GET.get("after", "")
    found = inventory.catalogue(search=search, after=after, limit=PAGE_SIZE + 1)
    context = {
        "products": found[:PAGE_SIZE],
        "search": search,
        "after": after,
        "more_after": found[PAGE_SIZE - 1].sku if len(found) > PAGE_SIZE else "",
    }
    return render(request, "storefront/catalogue.html", context)


@require_safe
def product(request: HttpRequest, sku: str) -> HttpResponse:
    """Show a product, including one that is not sold any more."""
    found = inventory.product(sku)
    if found is None:
        raise Http404(f"There is no product {sku}.")
    return render(request, "storefront/product.html", {"product": found})
