"""Returns in the admin: a list, and forms that say the effect before anything happens."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html

from orders.errors import InvalidOrder, OrdersError
from orders.models import Order, Return, ReturnLine, ReturnReceipt
from orders.returns import receiving, services
from orders.returns.forms import Confirmed, ReceiptForm, RefusalForm, RequestForm
from orders.returns.plan import check_lines, check_returnable
from shop import journal
from shop.adminkit.keyset_lists import KeysetAdmin
from shop.adminkit.read_only import ReadOnly
from shop.rest.idempotency.forms import AlreadyDone, has_taken_effect, take_effect_once

#: Permissions that it takes to ask for a return of somebody else's order.
PERMISSIONS = ("orders.view_order", "orders.request_return")
_OTHER_AMOUNT = "orders.refund_order"


@dataclass(frozen=True)
class Act:
    """Act of staff that a page asks about: its effect, then its confirmation."""

    title: str
    verb: str
    done: str
    form: Confirmed
    #: Returns the effect in words; raises OrdersError.
    effect: Callable[[], str]
    #: Acts, and returns the return.
    run: Callable[[], Return]
    back: str


# --- Acts ---


def request_act(order: Order, form: RequestForm, by_customer: bool = False) -> Act:
    """Return the act of asking for a return."""

    def effect() -> str:
        check_returnable(order, by_customer=by_customer)
        check_lines(order, form.lines)
        lines = ", ".join(f"{quantity} x {sku}" for sku, quantity in form.lines.items())
        return f"A return of {lines} is asked for, and decided upon next. The customer gets an e-mail."

    return Act(
        title=f"Send goods of {order.number} back",
        verb="Yes, ask for it",
        done="Asked for a return.",
        form=form,
        effect=effect,
        run=lambda: services.request_return(
            order_id=order.pk,
            lines=form.lines,
            reason=form.cleaned_data["reason"],
            by_customer=by_customer,
        ),
        back=reverse("admin:orders_order_change", args=[order.pk]),
    )


def _approval(returned: Return, form: Confirmed) -> Act:
    days = settings.SHOP_RETURN_ARRIVAL.days
    return _act(
        returned,
        form,
        title="Approve",
        verb="Yes, approve it",
        done="Approved a return.",
        effect=lambda: f"The customer may send the goods, and is told so. They have {days} days to come.",
        service=services.approve_return,
        allowed=(Return.State.REQUESTED,),
    )


def _refusal(returned: Return, form: RefusalForm) -> Act:
    return _act(
        returned,
        form,
        title="Refuse",
        verb="Yes, refuse it",
        done="Refused a return.",
        effect=lambda: "The customer keeps the goods, and is told the reason. This cannot be taken back.",
        service=lambda **ids: services.reject_return(**ids, reason=form.cleaned_data["reason"]),
        allowed=(Return.State.REQUESTED,),
    )


def _withdrawal(returned: Return, form: Confirmed) -> Act:
    return _act(
        returned,
        form,
        title="Withdraw",
        verb="Yes, withdraw it",
        done="Withdrew a return.",
        effect=lambda: "The goods, or the rest of them, stay with the customer, who is told so.",
        service=services.cancel_return,
        allowed=Return.LIVE,
    )


def _receipt(returned: Return, form: ReceiptForm) -> Act:
    def effect() -> str:
        received = {sku: one for sku, one in form.received.items() if one.quantity}
        receiving.check_received(returned, received)
        money = receiving.planned_amount(returned, received, form.money)
        stocked = ", ".join(f"{one.restocked} x {sku}" for sku, one in received.items() if one.restocked)
        lost = ", ".join(f"{one.written_off} x {sku}" for sku, one in received.items() if one.written_off)
        parts = [
            f"{stocked} go into the stock." if stocked else "Nothing goes into the stock.",
            f"{lost} are written off." if lost else "",
            f"{money} go back to the customer." if money.amount else "Nothing is given back.",
            "This cannot be taken back.",
        ]
        return " ".join(filter(None, parts))

    return _act(
        returned,
        form,
        title="Receive",
        verb="Yes, that came back",
        done="Received goods of a return.",
        effect=effect,
        service=lambda **ids: (
            receiving.receive_return(**ids, received=form.received, amount=form.money).order_return
        ),
        allowed=(Return.State.APPROVED,),
    )


def _act(
    returned: Return,
    form: Confirmed,
    *,
    title: str,
    effect: Callable[[], str],
    service: Callable[..., Return],
    allowed: tuple[Return.State, ...],
    **words: str,
) -> Act:
    def checked() -> str:
        services.check_state(returned, *allowed, act=_PARTICIPLES[title])
        return effect()

    return Act(
        title=f"{title} a return of {returned.order.number}",
        form=form,
        effect=checked,
        run=partial(service, order_id=returned.order_id, return_id=returned.pk),
        back=reverse("admin:orders_return_change", args=[returned.pk]),
        **words,
    )


_PARTICIPLES = {"Approve": "approved", "Refuse": "refused", "Withdraw": "withdrawn", "Receive": "received"}


# --- Pages ---


def request_return(site: admin.AdminSite, request: HttpRequest, order_id: UUID) -> HttpResponse:
    """Ask what is sent back, say the effect, and ask for the return once that is confirmed."""
    if not request.user.has_perms(PERMISSIONS):
        raise PermissionDenied
    order = get_object_or_404(Order.objects.prefetch_related("lines"), pk=order_id)
    data = request.POST if request.method == "POST" else None
    return _page(site, request, request_act(order, RequestForm(order, data)), order)


def _page(site: admin.AdminSite, request: HttpRequest, act: Act, order: Order) -> HttpResponse:
    """Show the form, then the effect; act once that is confirmed."""
    posted = request.method == "POST"
    if posted and has_taken_effect(request):
        messages.warning(request, str(AlreadyDone.__doc__))
        return HttpResponseRedirect(act.back)
    effect = _effect(act) if posted and act.form.is_valid() else ""
    if effect and act.form.cleaned_data["confirmed"] and _run(request, act):
        return HttpResponseRedirect(act.back)
    context = {
        **site.each_context(request),
        "title": act.title,
        "opts": Return._meta,
        "order": order,
        "act": act,
        "form": act.form,
        "effect": effect,
    }
    return TemplateResponse(request, "admin/orders/return/act.html", context)


def _effect(act: Act) -> str:
    try:
        return act.effect()
    except OrdersError as refusal:
        _show(act, refusal)
        return ""


def _run(request: HttpRequest, act: Act) -> bool:
    def run() -> None:
        returned = act.run()
        journal.record(request, returned.order, act.done)
        messages.success(request, f"{returned.order.number}: {act.done}")

    try:
        take_effect_once(request, act.form, run)
    except AlreadyDone as error:
        messages.warning(request, str(error))
    except OrdersError as refusal:
        _show(act, refusal)
        return False
    return True


def _show(act: Act, refusal: OrdersError) -> None:
    problems = [one.message for one in refusal.problems] if isinstance(refusal, InvalidOrder) else []
    act.form.add_error(None, " ".join(problems) or str(refusal))


# --- Lists ---


class ReturnInline(ReadOnly, admin.TabularInline[Return, Order]):
    """Returns on the page of their order."""

    model = Return
    fields = ("link", "state", "of", "by_customer", "reason", "arrive_by", "created_at")
    readonly_fields = fields
    verbose_name_plural = "returns"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Return]:
        """Fetch the returns with their lines."""
        return super().get_queryset(request).prefetch_related("lines")

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Ask for the permission to view returns: the inline links to their pages."""
        return request.user.has_perm("orders.view_return")

    @admin.display(description="Return")
    def link(self, returned: Return) -> str:
        """Return a link to the page of the return."""
        return format_html(
            '<a href="{}">Return</a>', reverse("admin:orders_return_change", args=[returned.pk])
        )

    @admin.display(description="Of")
    def of(self, returned: Return) -> str:
        """Return what is sent back, and how much of it is here."""
        return ", ".join(
            f"{line.quantity} x {line.sku} ({line.received} here)" for line in returned.lines.all()
        )


class ReturnLineInline(ReadOnly, admin.TabularInline[ReturnLine, Return]):
    """Lines on the page of their return."""

    model = ReturnLine
    fields = readonly_fields = ("sku", "quantity", "restocked", "written_off", "awaited")
    verbose_name_plural = "lines"


class ReturnReceiptInline(ReadOnly, admin.TabularInline[ReturnReceipt, Return]):
    """Receipts on the page of their return."""

    model = ReturnReceipt
    fields = readonly_fields = ("created_at", "came_back", "given_back")
    verbose_name_plural = "receipts"

    @admin.display(description="Came back")
    def came_back(self, receipt: ReturnReceipt) -> str:
        """Return what came back."""
        return ", ".join(
            f"{line['sku']}: {line['restocked']} restocked, {line['written_off']} written off"
            for line in receipt.lines
        )

    @admin.display(description="Given back", empty_value="nothing")
    def given_back(self, receipt: ReturnReceipt) -> str | None:
        """Return the amount of the refund, and its state."""
        refund = receipt.refund
        return f"{refund.money}, {refund.get_state_display().lower()}" if refund else None


@admin.register(Return)
class ReturnAdmin(KeysetAdmin):
    """Returns, read-only but for the acts that their state allows."""

    #: Name -> states in which it is offered, permission, form and act.
    ACTS: dict[str, tuple[tuple[Return.State, ...], str, Any]] = {
        "approve": ((Return.State.REQUESTED,), "orders.decide_return", _approval),
        "refuse": ((Return.State.REQUESTED,), "orders.decide_return", _refusal),
        "receive": ((Return.State.APPROVED,), "orders.receive_return", _receipt),
        "withdraw": (Return.LIVE, "orders.decide_return", _withdrawal),
    }

    list_display = ("order_number", "state", "of", "by_customer", "arrive_by", "created_at")
    list_filter = ("state", "by_customer")
    list_select_related = ("order",)
    search_fields = ("order__id", "id")
    search_help_text = "The id of an order or of a return"
    ordering = ("-pk",)
    inlines = (ReturnLineInline, ReturnReceiptInline)
    fields = ("order_number", "state", "by_customer", "reason", "refusal", "arrive_by", "created_at")
    readonly_fields = fields
    change_form_template = "admin/orders/return/change_form.html"

    of = ReturnInline.of

    def get_queryset(self, request: HttpRequest) -> QuerySet[Return]:
        """Fetch the returns with their lines."""
        return super().get_queryset(request).prefetch_related("lines")

    @admin.display(description="Order")
    def order_number(self, returned: Return) -> str:
        """Return the number of the order."""
        return returned.order.number

    def get_urls(self) -> list[URLPattern]:
        """Add a URL for each act on a return."""
        view = self.admin_site.admin_view(self.act_on_one)
        own = [
            path(f"<uuid:return_id>/{name}/", view, {"name": name}, name=f"orders_return_{name}")
            for name in self.ACTS
        ]
        return [*own, *super().get_urls()]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show the return, and offer what the user may do with it."""
        found = self.get_object(request, object_id)
        offered = [
            (name, reverse(f"admin:orders_return_{name}", args=[found.pk]))
            for name, (states, permission, _) in self.ACTS.items()
            if found and found.state in states and request.user.has_perm(permission)
        ]
        return super().change_view(
            request, object_id, form_url, {**(extra_context or {}), "offered": offered}
        )

    def act_on_one(self, request: HttpRequest, return_id: UUID, name: str) -> HttpResponse:
        """Ask what is needed, say the effect, and act once that is confirmed."""
        _, permission, make = self.ACTS[name]
        if not self.has_view_permission(request) or not request.user.has_perm(permission):
            raise PermissionDenied
        found = Return.objects.select_related("order").prefetch_related("lines").filter(pk=return_id).first()
        if found is None:
            raise Http404
        return _page(self.admin_site, request, make(found, self._form(request, name, found)), found.order)

    def _form(self, request: HttpRequest, name: str, found: Return) -> Confirmed:
        data = request.POST if request.method == "POST" else None
        if name == "receive":
            return ReceiptForm(found, data, other_amounts=request.user.has_perm(_OTHER_AMOUNT))
        return (RefusalForm if name == "refuse" else Confirmed)(data)
