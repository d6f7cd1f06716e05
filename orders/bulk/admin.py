"""Bulk actions in the admin: a page that asks, and one that shows progress and outcome for each order."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from orders.admin_actions import ACTIONS
from orders.bulk import services
from orders.errors import OrdersError
from orders.models import BulkAction, BulkActionRow, Order
from shop import journal
from shop.adminkit.keyset_lists import KeysetAdmin
from shop.adminkit.read_only import ReadOnly
from shop.adminkit.theme import TabularInline
from shop.rest.idempotency.forms import AlreadyDone, OneTimeForm, take_effect_once
from shop.stored_texts import translated


def ask_or_start(
    site: admin.AdminSite, request: HttpRequest, queryset: QuerySet[Order], name: str
) -> HttpResponse | None:
    """Ask for confirmation of an action on the orders that it is legal for, then have a worker run it."""
    legal, refusals = _legal(queryset, name)
    if not legal:
        messages.error(request, " ".join(refusals[:3]) or gettext("Choose orders first."))
        return None
    kind = ACTIONS[name].form or forms.Form
    is_confirmed = "confirmed" in request.POST
    form, once = kind(request.POST if is_confirmed else None), OneTimeForm(request.POST or None)
    if not is_confirmed or not form.is_valid() or not once.is_valid():
        context = {"orders": legal, "refusals": refusals, "form": form, "action": request.POST["action"]}
        return _ask(site, request, name, context)
    return _start(request, name, legal, form.cleaned_data, once)


def _legal(queryset: QuerySet[Order], name: str) -> tuple[list[Order], list[str]]:
    """Return the orders that an action is legal for, and why it is not for the others."""
    legal, refusals = [], []
    for order in queryset.order_by("pk"):
        try:
            ACTIONS[name].check(order)
        except OrdersError as refusal:
            refusals.append(str(refusal))
        else:
            legal.append(order)
    return legal, refusals


def _ask(site: admin.AdminSite, request: HttpRequest, name: str, more: dict[str, Any]) -> HttpResponse:
    context = {
        **site.each_context(request),
        "title": ACTIONS[name].question,
        "opts": Order._meta,
        "asked": ACTIONS[name],
        "checkbox": ACTION_CHECKBOX_NAME,
        "back": reverse("admin:orders_order_changelist"),
        **more,
    }
    return TemplateResponse(request, "admin/orders/order/confirm.html", context)


def _start(
    request: HttpRequest, name: str, orders: list[Order], given: dict[str, Any], once: OneTimeForm
) -> HttpResponse:
    started: list[BulkAction] = []

    def run() -> None:
        user: Any = request.user
        started.append(services.prepare(action=name, orders=orders, given=given, by=user))
        journal.record(request, started[0], f"Started for {len(orders)} orders.")
        transaction.on_commit(lambda: _send(request, started[0].pk))

    back = reverse("admin:orders_order_changelist")
    try:
        take_effect_once(request, once, run)
    except AlreadyDone as error:
        messages.warning(request, str(error))
        return HttpResponseRedirect(back)
    if not request.user.has_perm("orders.view_bulkaction"):
        messages.success(request, gettext("A worker acts on {number} orders.").format(number=len(orders)))
        return HttpResponseRedirect(back)
    return HttpResponseRedirect(reverse("admin:orders_bulkaction_change", args=[started[0].pk]))


def _send(request: HttpRequest, bulk_id: UUID) -> None:
    try:
        services.start(bulk_id)
    except services.BROKER_ERRORS as error:
        messages.error(
            request, gettext("No worker could be told: {error}. Go on with it later.").format(error=error)
        )


class BulkActionRowInline(ReadOnly, TabularInline[BulkActionRow, BulkAction]):
    """Outcome for each order. The page shows them by itself."""

    model = BulkActionRow
    fields = ("order", "state", "detail", "ended_at")


@admin.register(BulkAction)
class BulkActionAdmin(KeysetAdmin):
    """Bulk actions, with progress and outcome."""

    list_display = ("started_at", "what", "by", "progress")
    list_select_related = ("by",)
    ordering = ("-pk",)
    inlines = (BulkActionRowInline,)
    fields = ("action", "by", "started_at")

    def get_inlines(self, request: HttpRequest, obj: BulkAction | None) -> list[Any]:
        """Return none: the page shows the outcomes by itself."""
        return []

    @admin.display(description=_("action"))
    def what(self, bulk: BulkAction) -> str:
        """Return the action in the reader's language."""
        return capfirst(translated(bulk.action))

    @admin.display(description=_("Progress"))
    def progress(self, bulk: BulkAction) -> str:
        """Return the number of orders in each state."""
        labels = {state.value: gettext(state.label).lower() for state in BulkActionRow.State}
        return ", ".join(f"{number} {labels[state]}" for state, number in bulk.counts.items() if number)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Show progress and outcomes. The page loads itself again until the action has ended."""
        bulk: Any = self.get_object(request, object_id)
        if bulk is None or not self.has_view_permission(request, bulk):
            return super().change_view(request, object_id, form_url, extra_context)
        counts = bulk.counts
        context = {
            **(extra_context or {}),
            "counts": counts,
            "total": sum(counts.values()),
            "ended": sum(counts.values()) - counts["waiting"],
            "rows": bulk.rows.select_related("order"),
            "asked": ACTIONS[bulk.action],
            "may_continue": request.user.has_perm(ACTIONS[bulk.action].permission),
            "may_see_orders": request.user.has_perm("orders.view_order"),
        }
        return super().change_view(request, object_id, form_url, context)

    def get_urls(self) -> list[URLPattern]:
        """Add the URL that goes on with an action."""
        view: Callable[..., HttpResponse] = self.admin_site.admin_view(self.go_on)
        return [path("<uuid:bulk_id>/go-on/", view, name="orders_bulkaction_go_on"), *super().get_urls()]

    @method_decorator(require_POST)
    def go_on(self, request: HttpRequest, bulk_id: UUID) -> HttpResponse:
        """Tell a worker once more of what is waiting."""
        bulk = get_object_or_404(BulkAction, pk=bulk_id)
        if not self.has_view_permission(request) or not request.user.has_perm(
            ACTIONS[bulk.action].permission
        ):
            raise PermissionDenied
        with transaction.atomic():
            journal.record(request, bulk, "Went on with it.")
            transaction.on_commit(lambda: _send(request, bulk.pk))
        return HttpResponseRedirect(reverse("admin:orders_bulkaction_change", args=[bulk.pk]))
