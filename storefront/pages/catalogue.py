"""Views of the catalogue and of a product."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from inventory import queries as inventory
from inventory.queries import CategoryItem
from storefront.forms import BrowseForm

PAGE_SIZE = 24
#: Parameters that a new search keeps.
_KEPT = ("category", *BrowseForm.base_fields)


@require_safe
def catalogue(request: HttpRequest) -> HttpResponse:
    """Show a page of the products of a category, a search and its bounds, or of all products."""
    search, after = request.GET.get("q", "").strip(), request.GET.get("after", "")
    categories, slug = inventory.categories(), request.GET.get("category", "")
    category = _category(slug, categories) if slug else None
    form = BrowseForm(request.GET if {*BrowseForm.base_fields} & {*request.GET} else None)
    found = inventory.catalogue(search=search, category=slug, after=after, limit=PAGE_SIZE + 1, **form.chosen)
    context = {
        "products": found[:PAGE_SIZE],
        "form": form,
        "category": category,
        "categories": [(one, _query(request, category=one.slug)) for one in categories],
        "everywhere": _query(request, category=""),
        "kept": [(name, request.GET[name]) for name in _KEPT if request.GET.get(name)],
        "is_bounded": any(name in form.changed_data for name in ("lowest", "highest", "in_stock")),
        "search": search,
        "after": after,
        "same": _query(request),
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


def _category(slug: str, on_sale: list[CategoryItem]) -> CategoryItem:
    """Return a category, of those on sale without a further statement."""
    found = next((one for one in on_sale if one.slug == slug), None) or inventory.category(slug)
    if found is None:
        raise Http404(f"There is no category {slug}.")
    return found


def _query(request: HttpRequest, **changes: str) -> str:
    """Return the query of the URL for its first page, with other values; an empty one is left out."""
    query = request.GET.copy()
    query.pop("after", None)
    for name, value in changes.items():
        query.pop(name, None)
        if value:
            query[name] = value
    return query.urlencode()
