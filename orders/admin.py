"""Orders in the admin: read-only pages, and the legal actions."""

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from orders.address_book import admin as _address_book  # noqa: F401 - registers its list
from orders.admin_actions import ACTIONS
from orders.bulk.admin import ask_or_start
from orders.errors import NoSuchEvent, OrdersError
from orders.list_columns import OrderColumns, tabs_of
from orders.models import Order, OrderLine, PaymentAttempt
from orders.notes import admin as notes
from orders.queries import serial_of
from orders.refunds import admin as refunds
from orders.returns import admin as returns
from orders.snapshots import MAX_SEQUENCE, as_of
from orders.undelivered import admin as undelivered
from shop import journal
from shop.accounts.queries import accounts_named
from shop.adminkit.filters import RecentFilter
from shop.adminkit.finding import found_orders
from shop.adminkit.keyset_lists import KeysetAdmin, Tab
from shop.adminkit.read_only import ReadOnly
from shop.adminkit.theme import TabularInline


class OrderLineInline(ReadOnly, TabularInline[OrderLine, Order]):
    """Lines on the page of their order. The page of the theme shows them by itself."""

    model = OrderLine
    fields = ("sku", "name", "quantity", "unit_price", "amount", "currency")
    readonly_fields = ("amount",)
    verbose_name_plural = _("lines")


class PaymentAttemptInline(ReadOnly, TabularInline[PaymentAttempt, Order]):
    """Attempts to pay on the page of their order, without the page on which a customer confirms."""

    model = PaymentAttempt
    fields = ("number", "state", "code", "message", "created_at", "changed_at")
    verbose_name_plural = _("attempts to pay")


#: Inlines that the page shows in its own way.
_OF_THE_PAGE = (OrderLineInline, notes.OrderNoteInline, notes.OrderTagInline)
#: Fields of the address, as it is printed.
_ADDRESS = (
    "ship_name",
    "ship_street",
    "ship_second_line",
    ("ship_postal_code", "ship_city", "ship_region"),
    "ship_country",
    "ship_phone",
)


@admin.register(Order)
class OrderAdmin(OrderColumns, KeysetAdmin):
    """Orders, read-only but for cancelling them, letting them go on waiting, and settling them."""

    list_display = (
        "number",
        "status_and_tags",
        "why",
        "customer_and_email",
        "items",
        "tracking",
        "amount",
        "placed_at",
    )
    export_columns = (
        "number",
        "status",
        "why",
        "tag_names",
        "customer_name",
        "customer_email",
        "items",
        "tracking",
        "amount",
        "placed_at",
    )
    list_filter = ("status", "cancel_reason", "attention_reason", notes.TagFilter, RecentFilter)
    search_fields = ("serial",)
    search_help_text = _(
        "A number as in ORD-1042, a tracking number, a SKU (its latest hundred orders), how the customer's "
        "name or e-mail begins, or an id"
    )
    ordering = ("-pk",)
    inlines = (
        OrderLineInline,
        PaymentAttemptInline,
        refunds.RefundRequestInline,
        returns.ReturnInline,
        notes.OrderNoteInline,
        notes.OrderTagInline,
    )
    actions = ("cancel_selected", "resume_selected", "settle_selected")
    fieldsets = (
        (None, {"fields": (("number", "status_badge"), "why", ("placed_at", "changed_at"), "amount")}),
        (_("Customer"), {"fields": (("customer_name", "customer_email"), "payment_method")}),
        (
            _("Ship to"),
            {"fields": _ADDRESS},
        ),
        (_("Undone"), {"fields": (("payment_undone", "stock_undone"),), "classes": ("collapse",)}),
    )

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show the order, with ``?at=`` as of one of its events; without, offer what the user may do."""
        try:
            as_of_event = _sequence(request)
            if as_of_event and self.has_view_permission(request):
                self.get_object(request, object_id)
        except OrdersError as refusal:
            messages.error(request, str(refusal))
            return HttpResponseRedirect(request.path)
        may = {
            "may_cancel": self.has_cancel_permission(request),
            "may_resume": self.has_resume_permission(request),
            "may_settle": self.has_settle_permission(request),
            "may_refund": request.user.has_perms(refunds.PERMISSIONS),
            "may_give_up": request.user.has_perms(undelivered.PERMISSIONS),
            "may_return": request.user.has_perms(returns.PERMISSIONS),
            "may_resend": request.user.has_perm(ACTIONS["resend"].permission),
            "may_annotate": request.user.has_perms(notes.PERMISSIONS),
        }
        may = dict.fromkeys(may, False) if as_of_event else may
        context = {**(extra_context or {}), **may, "as_of_event": as_of_event}
        return super().change_view(request, object_id, form_url, context)

    def get_inlines(self, request: HttpRequest, obj: Order | None) -> list[Any]:
        """Return the inlines, but for what the page shows in its own way."""
        return [inline for inline in self.inlines if inline not in _OF_THE_PAGE]

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Order | None:
        """Return the order, with ``?at=`` as of one of its events."""
        order = super().get_object(request, object_id, from_field)
        sequence = _sequence(request)
        return as_of(order, sequence) if order and sequence else order

    # --- Reading ---

    def tabs(self, request: HttpRequest) -> list[Tab]:
        """Return the tabs by status."""
        return tabs_of(request)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Order], search_term: str
    ) -> tuple[QuerySet[Order], bool]:
        """Search by what has an index: number, id, tracking number, e-mail address, name of the account."""
        term = search_term.strip()
        if not term:
            return queryset, False
        if (serial := serial_of(term)) is not None:
            return queryset.filter(serial=serial), False
        if (order_id := _as_uuid(term)) is not None:
            return queryset.filter(pk=order_id), False
        if found := found_orders(term):
            return queryset.filter(pk__in=found), False
        # Of two indexes the database takes none for an OR.
        by_email = Order.objects.filter(customer_email__istartswith=term).order_by().values("pk")
        by_name = Order.objects.filter(customer__in=accounts_named(term)).order_by().values("pk")
        return queryset.filter(pk__in=by_email.union(by_name)), False

    # --- Acting ---

    def has_cancel_permission(self, request: HttpRequest) -> bool:
        """Tell whether the user may cancel orders."""
        return request.user.has_perm(ACTIONS["cancel"].permission)

    def has_resume_permission(self, request: HttpRequest) -> bool:
        """Tell whether the user may let orders go on waiting."""
        return request.user.has_perm(ACTIONS["resume"].permission)

    @admin.action(description=_("Cancel selected orders"), permissions=["cancel"])
    def cancel_selected(self, request: HttpRequest, queryset: QuerySet[Order]) -> HttpResponse | None:
        """Cancel the selected orders."""
        return ask_or_start(self.admin_site, request, queryset, "cancel")

    @admin.action(description=_("Let selected orders go on waiting"), permissions=["resume"])
    def resume_selected(self, request: HttpRequest, queryset: QuerySet[Order]) -> HttpResponse | None:
        """Let the selected orders go on waiting."""
        return ask_or_start(self.admin_site, request, queryset, "resume")

    def has_settle_permission(self, request: HttpRequest) -> bool:
        """Tell whether the user may settle orders."""
        return request.user.has_perm(ACTIONS["settle"].permission)

    @admin.action(description=_("Settle selected orders"), permissions=["settle"])
    def settle_selected(self, request: HttpRequest, queryset: QuerySet[Order]) -> HttpResponse | None:
        """Settle the selected orders, for one reason."""
        return ask_or_start(self.admin_site, request, queryset, "settle")

    def get_urls(self) -> list[URLPattern]:
        """Add a URL for each action on one order."""
        view = self.admin_site.admin_view(self.act_on_one)
        actions = [
            path(f"<uuid:order_id>/{action}/", view, {"action": action}, name=f"orders_order_{action}")
            for action in ACTIONS
        ]
        views = {
            "refund": refunds.refund_order,
            "refund_and_settle": undelivered.refund_and_settle,
            "return": returns.request_return,
            "note": notes.add_note,
            "tag": notes.add_tag,
            "untag": notes.remove_tag,
        }
        own = [
            path(f"<uuid:order_id>/{name}/", self._of_site(view), name=f"orders_order_{name}")
            for name, view in views.items()
        ]
        return [*actions, *own, *super().get_urls()]

    def _of_site(self, view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        """Return a view of an order, behind the login of the admin."""
        return self.admin_site.admin_view(partial(view, self.admin_site))

    def act_on_one(self, request: HttpRequest, order_id: UUID, action: str) -> HttpResponse:
        """Ask for confirmation, then run an action on one order."""
        if not self.has_view_permission(request) or not request.user.has_perm(ACTIONS[action].permission):
            raise PermissionDenied
        order = get_object_or_404(Order, pk=order_id)
        back = reverse("admin:orders_order_change", args=[order.pk])
        posted = request.POST if request.method == "POST" else None
        kind = ACTIONS[action].form
        form = kind(posted) if kind else None
        try:
            ACTIONS[action].check(order)
        except OrdersError as refusal:
            messages.error(request, str(refusal))
            return HttpResponseRedirect(back)
        if request.method != "POST" or (form and not form.is_valid()):
            return self._ask(request, order, action, back, form)
        self._do(request, order, action, form.cleaned_data if form else None)
        return HttpResponseRedirect(back)

    def _ask(
        self, request: HttpRequest, order: Order, action: str, back: str, form: forms.Form | None
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": ACTIONS[action].question,
            "opts": self.opts,
            "orders": [order],
            "asked": ACTIONS[action],
            "form": form,
            "back": back,
        }
        return TemplateResponse(request, "admin/orders/order/confirm.html", context)

    def _do(
        self, request: HttpRequest, order: Order, action: str, given: dict[str, Any] | None = None
    ) -> None:
        reason = given["reason"] if given else ""
        entry = f"{ACTIONS[action].done.rstrip('.')}: {reason}" if reason else ACTIONS[action].done
        try:
            with transaction.atomic():
                done = ACTIONS[action].service(order.pk, given or {})
                journal.record(request, done, entry)
        except OrdersError as refusal:
            messages.error(request, str(refusal))
            return
        messages.success(request, f"{done.number}: {gettext(ACTIONS[action].done)}")


def _sequence(request: HttpRequest) -> int | None:
    """Return the number of the event that the page is wanted as of; NoSuchEvent if it is none."""
    text = request.GET.get("at")
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or not 0 < int(text[:20]) <= MAX_SEQUENCE:
        raise NoSuchEvent(number=gettext("The order"), sequence=text[:20])
    return int(text)


def _as_uuid(term: str) -> UUID | None:
    try:
        return UUID(term)
    except ValueError:
        return None
