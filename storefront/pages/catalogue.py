"""Views of the catalogue and of a product."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from inventory import queries as inventory
from storefront.forms import BrowseForm

PAGE_SIZE = 24


@require_safe
def catalogue(request: HttpRequest) -> HttpResponse:
    """Show a page of the products that match a search and its bounds, or of all products."""
    search, after = request.GET.get("q", "").strip(), request.GET.get("after", "")
    form = BrowseForm(request.GET if {*BrowseForm.base_fields} & {*request.GET} else None)
    found = inventory.catalogue(search=search, after=after, limit=PAGE_SIZE + 1, **form.chosen)
    same = request.GET.copy()
    same.pop("after", None)
    context = {
        "products": found[:PAGE_SIZE],
        "form": form,
        "is_bounded": any(name in form.changed_data for name in ("lowest", "highest", "in_stock")),
        "search": search,
        "after": after,
        "same": same.urlencode(),
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
