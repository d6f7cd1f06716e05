"""Pages of a customer's own account: overview, names and address, its confirmation, and closing."""

from typing import Any

from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from shop.accounts import confirmation, registration
from shop.accounts.links import LinkExpired, address_of
from shop.accounts.queries import address_to_confirm, pending_address
from storefront.account_forms import PasswordForm, ProfileForm
from storefront.pages.visitor import customer_of, limit_mails, site_of

#: Answer to a change of the address, whether another account has it or not.
LINK_SENT = _("We have sent a link to {}: your address is confirmed once you have used it.")


@never_cache
@login_required
@require_safe
def account(request: HttpRequest) -> HttpResponse:
    """Show what customers can do with their account."""
    context = {"unconfirmed": pending_address(customer_of(request))}
    return render(request, "storefront/account/account.html", context)


@sensitive_post_parameters("password")
@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def profile(request: HttpRequest) -> HttpResponse:
    """Change names, or ask for another address."""
    customer = customer_of(request)
    form = ProfileForm(request, request.POST if request.method == "POST" else None, instance=customer)
    if form.is_valid():
        form.save()
        messages.success(request, gettext("Your name is stored."))
        if (email := form.cleaned_data["email"]) != form.present:
            _require_confirmation(request, email)
        return redirect("storefront:account")
    return _show(request, "profile", {"form": form})


def _require_confirmation(request: HttpRequest, email: str) -> None:
    """Mail a link to a new address, unless another account has it; the answer is the same."""
    limit_mails(request, "address-changes")
    customer = customer_of(request)
    if confirmation.is_taken(email, by_other_than=customer):
        registration.tell_owner(email, site=site_of(request))
    else:
        confirmation.require_confirmation(user=customer, email=email, site=site_of(request))
    messages.info(request, LINK_SENT.format(email))


@login_required
@require_POST
def confirm_again(request: HttpRequest) -> HttpResponse:
    """Mail the link to the customer's unconfirmed address again."""
    customer = customer_of(request)
    if email := address_to_confirm(customer):
        confirmation.require_confirmation(user=customer, email=email, site=site_of(request))
        messages.info(request, LINK_SENT.format(email))
    return redirect("storefront:account")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    """Confirm an address by the button behind its link: mail scanners follow links, and press no button."""
    try:
        address = address_of(token)
        if request.method == "POST":
            confirmation.confirm(address, site=site_of(request))
    except LinkExpired as refusal:
        return _show(request, "confirm", {"refusal": str(refusal)}, status=410)
    if request.method != "POST":
        return _show(request, "confirm", {"email": address.email})
    messages.success(request, gettext("Thank you, your address is confirmed."))
    return redirect("storefront:account" if request.user.is_authenticated else "storefront:login")


@sensitive_post_parameters("password")
@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def close(request: HttpRequest) -> HttpResponse:
    """Close the account."""
    form = PasswordForm(request, request.POST if request.method == "POST" else None)
    if not form.is_valid():
        return _show(request, "close", {"form": form})
    registration.close_account(user=customer_of(request))
    logout(request)
    messages.success(request, gettext("Your account is closed. What you have ordered still comes to you."))
    return redirect("storefront:catalogue")


def _show(request: HttpRequest, page: str, context: dict[str, Any], status: int = 200) -> HttpResponse:
    form = context.get("form")
    return render(
        request,
        f"storefront/account/{page}.html",
        context,
        status=422 if form is not None and form.errors else status,
    )
