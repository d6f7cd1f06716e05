"""Page of a customer's own API keys."""

from datetime import timedelta

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from shop.accounts import api_keys
from shop.rest.idempotency.forms import AlreadyDone, take_effect_once
from storefront.account_forms import KeyForm
from storefront.pages.visitor import customer_of

#: Answer to a form that is sent again, as by a reload of the page with the new key.
MADE_BEFORE = _("This form has made a key before. If you have not copied it, revoke it and make another one.")


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def keys(request: HttpRequest) -> HttpResponse:
    """Show the customer's keys, or make one and show it this once."""
    form = KeyForm(request.POST if request.method == "POST" else None)
    try:
        text = _create(request, form) if form.is_valid() else ""
    except AlreadyDone:
        messages.warning(request, MADE_BEFORE)
        return redirect("storefront:keys")
    context = {
        "form": KeyForm() if text else form,
        "text": text,
        "keys": api_keys.live_keys(customer_of(request)),
    }
    return render(request, "storefront/account/keys.html", context, status=422 if form.errors else 200)


@login_required
@require_POST
def revoke(request: HttpRequest, key_id: int) -> HttpResponse:
    """Revoke one of the customer's keys."""
    key = get_object_or_404(api_keys.live_keys(customer_of(request)), pk=key_id)
    api_keys.revoke([key])
    messages.success(request, gettext("The key “{name}” opens nothing any more.").format(name=key.name))
    return redirect("storefront:keys")


def _create(request: HttpRequest, form: KeyForm) -> str:
    """Make a key and return its text; empty with an error if there are too many."""
    wanted, text = form.cleaned_data, ""

    def create() -> None:
        nonlocal text
        expires_at = timezone.now() + timedelta(days=int(wanted["days"]))
        text = api_keys.create_key(
            user=customer_of(request), name=wanted["name"], scopes=wanted["scopes"], expires_at=expires_at
        )[1]

    try:
        take_effect_once(request, form, create)
    except api_keys.TooManyKeys as refusal:
        form.add_error(None, str(refusal))
    return text
