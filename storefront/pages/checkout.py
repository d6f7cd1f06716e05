"""Checkout: address, card, and placing the order."""

from contextlib import suppress
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from orders import queries as orders
from orders import services
from orders.address_book.queries import Saved, addresses_of
from orders.address_book.services import save_address
from orders.errors import AddressBookFull, IdempotencyKeyReused, InvalidOrder, TooManyOrders
from orders.intake import OrderRequest
from payments.queries import has_hosted_page
from shop.accounts import guests, limits
from shop.accounts.order_links import token_for
from storefront.basket import Basket, Contents
from storefront.forms import REFRESH, CheckoutForm, GuestCheckoutForm
from storefront.pages.own_orders import open_link
from storefront.pages.visitor import customer_of, limit_mails

#: Error of a form for an earlier state of the basket.
CHANGED = _("Your basket or a price has changed: look at the total again, then order.")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def checkout(request: HttpRequest) -> HttpResponse:
    """Show the form, or place the order. Resubmitting the form places no second order."""
    basket = Basket(request)
    is_refresh = REFRESH in request.POST
    form_of = CheckoutForm if request.user.is_authenticated else GuestCheckoutForm
    form = form_of(request.POST) if request.method == "POST" and not is_refresh else None
    if form and (number := _number_of_placed_order(request, form)):
        return _redirect_to_order(request, basket, number)
    contents = basket.contents()
    if not contents.can_be_ordered:
        messages.error(request, _refusal(contents))
        return redirect("storefront:basket")
    if form and form.is_valid() and (number := _place(request, form, contents)):
        return _redirect_to_order(request, basket, number)
    written = request.POST.dict() if is_refresh else _known_address(request)
    return _show_form(request, form or form_of(initial=written), basket, contents)


def _number_of_placed_order(request: HttpRequest, form: CheckoutForm) -> str:
    """Return the number of the order placed by an earlier submission of the form; empty if there is none."""
    form.is_valid()
    key = form.cleaned_data.get("idempotency_key")
    placed = orders.order_placed_with(str(key), customer_ids=_buyers(request, form)) if key else None
    return placed.number if placed else ""


def _buyers(request: HttpRequest, form: CheckoutForm) -> list[int]:
    """Return the accounts under which the form may have placed an order before."""
    if isinstance(request.user, User):
        return [request.user.pk]
    return guests.guests_with(form.cleaned_data.get("email", ""))


def _redirect_to_order(request: HttpRequest, basket: Basket, number: str) -> HttpResponse:
    """Redirect to the order, or to where it is paid. Clear its basket, but not one that was filled since."""
    if basket.key == request.POST.get("idempotency_key"):
        basket.clear()
    elif len(basket):
        messages.info(
            request, gettext("This order was placed before. What is in your basket now is not part of it.")
        )
    return redirect("storefront:payment" if has_hosted_page() else "storefront:order", number)


def _refusal(contents: Contents) -> str:
    if not contents.lines:
        return gettext("Your basket is empty: put something into it first.")
    return gettext("Some of what is in your basket cannot be had: see below what to do.")


def _place(request: HttpRequest, form: CheckoutForm, contents: Contents) -> str:
    """Place the order and return its number; empty if the form has errors."""
    if form.cleaned_data["seen"] != contents.fingerprint:
        form.add_error(None, CHANGED)
        return ""
    key = str(form.cleaned_data["idempotency_key"])
    email = _guests_email(request, form)
    try:
        placed = services.place_order(
            customer=guests.guest_for(email) if email else customer_of(request),
            guest_email=email,
            request=OrderRequest(
                lines=[(line.item.sku, line.quantity) for line in contents.lines],
                ship_to=form.ship_to,
                payment_method=form.means,
                retry_payment=True,
            ),
            idempotency_key=key,
        )
    except InvalidOrder as error:
        for problem in error.problems:
            form.add_problem(problem)
        return ""
    except IdempotencyKeyReused:  # by a concurrent submission of the form
        return _number_of_placed_order(request, form)
    except TooManyOrders as refusal:
        limits.refuse_orders(request, wait=refusal.wait)
    if email:
        open_link(request, token_for(placed.pk), placed.pk)
    elif form.cleaned_data["keep_address"]:
        with suppress(AddressBookFull):
            save_address(customer_id=placed.customer_id, address=form.ship_to)
    return placed.number


def _guests_email(request: HttpRequest, form: CheckoutForm) -> str:
    """Return the address of a guest, to whom the shop will write; empty for a customer with an account.

    Raises:
        TooManyRequests: too many came from the guest's network address, or to this e-mail address.
    """
    if request.user.is_authenticated:
        return ""
    email: str = form.cleaned_data["email"]
    limit_mails(request, "guest-orders")
    quota: int = settings.SHOP_REGISTRATIONS_AN_ADDRESS
    limits.enforce(request, "guest-orders-to", email, quota=quota, window=60 * 60)
    return email


def _known_address(request: HttpRequest) -> dict[str, str]:
    """Return the chosen or default address of the address book, else that of the last order, else the name.

    Of a guest nothing is known.
    """
    if not request.user.is_authenticated:
        return {}
    customer = customer_of(request)
    for saved in _saved(request):
        if saved.id == _chosen(request):
            return saved.address.model_dump()
    for latest in orders.latest_orders(customer_id=customer.pk, limit=1):
        if found := orders.order(latest.id):
            return found.ship_to.model_dump()
    return {"name": customer.get_full_name()}


def _saved(request: HttpRequest) -> list[Saved]:
    """Return the address book of the customer; a guest has none."""
    return addresses_of(request.user.pk) if isinstance(request.user, User) else []


def _chosen(request: HttpRequest) -> UUID | None:
    """Return the address that the visitor has chosen from the address book, by default the first one."""
    saved = {str(one.id): one.id for one in _saved(request)}
    return saved.get(request.GET.get("address", ""), next(iter(saved.values()), None))


def _show_form(request: HttpRequest, form: CheckoutForm, basket: Basket, contents: Contents) -> HttpResponse:
    context = {
        "form": form,
        "refresh": REFRESH,
        "basket": contents,
        "key": basket.key,
        "saved": _saved(request),
        "chosen": _chosen(request),
    }
    return render(request, "storefront/checkout.html", context, status=422 if form.errors else 200)
