"""Pages of the address book of an account."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from orders.address_book import services
from orders.address_book.queries import addresses_of
from orders.errors import InvalidOrder, OrdersError
from storefront.forms import REFRESH, AddressForm
from storefront.pages.visitor import customer_of

#: Acts on one address, by the button of its form.
_ACTS = {"default": services.make_default, "remove": services.remove_address}


@never_cache
@login_required
@require_safe
def addresses(request: HttpRequest) -> HttpResponse:
    """Show the addresses of the customer."""
    context = {"addresses": addresses_of(customer_of(request).pk)}
    return render(request, "storefront/account/addresses.html", context)


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def address(request: HttpRequest, address_id: UUID | None = None) -> HttpResponse:
    """Add an address, or change one."""
    customer = customer_of(request)
    known = {saved.id: saved.address.model_dump() for saved in addresses_of(customer.pk)}
    if address_id and address_id not in known:
        raise Http404("You have no such address.")
    is_sent = request.method == "POST" and REFRESH not in request.POST
    form = AddressForm(request.POST) if is_sent else AddressForm(initial=_initial(request, known, address_id))
    if is_sent and form.is_valid() and _save(customer.pk, form, address_id):
        messages.success(request, gettext("Your address is stored."))
        return redirect("storefront:addresses")
    context = {"form": form, "refresh": REFRESH, "address_id": address_id}
    return render(request, "storefront/account/address.html", context, status=422 if form.errors else 200)


@login_required
@require_POST
def change_address(request: HttpRequest, address_id: UUID) -> HttpResponse:
    """Make an address the default one, or remove it."""
    if act := _ACTS.get(request.POST.get("act", "")):
        act(customer_id=customer_of(request).pk, address_id=address_id)
    return redirect("storefront:addresses")


def _initial(
    request: HttpRequest, known: dict[UUID, dict[str, str]], address_id: UUID | None
) -> dict[str, str]:
    if request.method == "POST":
        return {name: str(value) for name, value in request.POST.items()}
    return known[address_id] if address_id else {"name": customer_of(request).get_full_name()}


def _save(customer_id: int, form: AddressForm, address_id: UUID | None) -> bool:
    """Store the address; False if it is refused, with the reasons in the form."""
    try:
        services.save_address(customer_id=customer_id, address=form.ship_to, address_id=address_id)
    except InvalidOrder as refusal:
        for problem in refusal.problems:
            form.add_problem(problem)
    except OrdersError as refusal:
        form.add_error(None, str(refusal))
    return form.is_valid()
