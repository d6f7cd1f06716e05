"""What there is to buy."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from inventory import queries as inventory

PAGE_SIZE = 24
#: Longer searches are cut.
MAX_SEARCH = 100


@require_safe
def catalogue(request: HttpRequest) -> HttpResponse:
    """Products by name, some at a time, all or those that match a search."""
    search, after = (request.GET.get(name, "").replace("\0", "")[:MAX_SEARCH] for name in ("q", "after"))
    found = inventory.catalogue(search=search.strip(), after=after, limit=PAGE_SIZE + 1)
    context = {
        "products": found[:PAGE_SIZE],
        "search": search.strip(),
        "after": after,
        "more_after": found[PAGE_SIZE - 1].sku if len(found) > PAGE_SIZE else "",
    }
    return render(request, "storefront/catalogue.html", context)


@require_safe
def product(request: HttpRequest, sku: str) -> HttpResponse:
    """One product; also one that is not sold any more, which says so."""
    found = inventory.product(sku)
    if found is None:
        raise Http404(f"There is no product {sku}.")
    return render(request, "storefront/product.html", {"product": found})
