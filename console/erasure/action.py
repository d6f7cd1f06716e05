"""Admin action on accounts: show what would be erased, then forget the customers."""

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext

from console.erasure.errors import ErasureError
from console.erasure.forgetting import forget, preview
from orders.errors import OrdersStillOpen
from shop import journal

PERMISSION = "privacy.forget_customer"
#: Customers that one action forgets at the most.
MAX_CUSTOMERS = 20


def forget_customers(request: HttpRequest, accounts: QuerySet[User]) -> HttpResponse | None:
    """Show the rows by table and ask; once confirmed, forget the customers."""
    chosen = list(accounts[: MAX_CUSTOMERS + 1])
    if len(chosen) > MAX_CUSTOMERS:
        messages.error(
            request, gettext("Choose {number} customers at the most.").format(number=MAX_CUSTOMERS)
        )
        return None
    if "confirmed" not in request.POST:
        return _ask(request, chosen)
    for user in chosen:
        _forget(request, user)
    return None


def _ask(request: HttpRequest, chosen: list[User]) -> HttpResponse:
    context = {
        **admin.site.each_context(request),
        "title": gettext("Forget customers"),
        "rows": [(user, *_preview(user)) for user in chosen],
        "checkbox": ACTION_CHECKBOX_NAME,
    }
    return TemplateResponse(request, "console/forget_customers.html", context)


def _preview(user: User) -> tuple[list[tuple[str, int]], str]:
    """Return the rows by table, or why the customer cannot be forgotten."""
    try:
        return sorted(preview(user).items()), ""
    except (ErasureError, OrdersStillOpen) as refusal:
        return [], str(refusal)


def _forget(request: HttpRequest, user: User) -> None:
    name = user.get_username()
    try:
        with transaction.atomic():
            forget(user)
            journal.record(request, User, f"Forgot the customer of account {user.pk}.")
    except (ErasureError, OrdersStillOpen) as refusal:
        messages.error(request, f"{name}: {refusal}")
    else:
        text = gettext("Account {number} is forgotten. Workers erase what is left in a few minutes.")
        messages.success(request, text.format(number=user.pk))
