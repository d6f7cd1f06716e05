"""Refunds in the admin: a list, and a form on the order that says the effect before anything happens."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html

from orders.errors import InvalidRefund, OrdersError
from orders.models import Order, RefundRequest
from orders.models.refund import MAX_REASON
from orders.refunds import services
from orders.refunds.plan import Plan, Wish, left_of, plan_refund, quantities_left
from shop import journal
from shop.adminkit.keyset_lists import KeysetAdmin
from shop.adminkit.read_only import ReadOnly
from shop.currencies import fits
from shop.messaging.contracts import Money
from shop.rest.idempotency.forms import AlreadyDone, OneTimeForm, has_taken_effect, take_effect_once
from shop.visible import check_visible

#: Permissions that it takes to request a refund.
PERMISSIONS = ("orders.view_order", "orders.refund_order")


class RefundForm(OneTimeForm):
    """Form of a refund: of quantities of the order's lines, or of an amount."""

    amount = forms.DecimalField(
        required=False,
        min_value=Decimal(0),
        max_digits=19,
        decimal_places=4,
        help_text="Instead of lines.",
    )
    restock = forms.BooleanField(
        required=False, help_text="The goods of the lines are back, and go into the stock."
    )
    reason = forms.CharField(
        max_length=MAX_REASON,
        validators=[check_visible],
        widget=forms.Textarea(attrs={"rows": 2, "class": "vLargeTextField"}),
        help_text="For colleagues. Erased when the customer is forgotten.",
    )
    #: The effect was shown.
    confirmed = forms.BooleanField(required=False, widget=forms.HiddenInput)

    def __init__(self, order: Order, data: Mapping[str, Any] | None = None) -> None:
        super().__init__(data)
        self.order = order
        lines = {
            f"quantity_{line.pk}": _quantity_field(f"{line.name} ({line.sku}), {line.unit_price}", most)
            for line in order.lines.all()
            if (most := quantities_left(order)[line.sku]) > 0
        }
        self.skus = {f"quantity_{line.pk}": line.sku for line in order.lines.all()}
        self.fields = {**lines, **self.fields}

    @property
    def wish(self) -> Wish:
        """Amount and lines to be given back, of valid data."""
        data, currency = self.cleaned_data, self.order.currency
        lines = {self.skus[name]: data[name] for name in self.skus if data.get(name)}
        amount = Money(amount=data["amount"], currency=currency) if data.get("amount") else None
        return Wish(amount=amount, lines=lines, restock=data["restock"])

    def clean(self) -> dict[str, Any]:
        """Refuse both lines and an amount, none of them, and goods without lines."""
        data = super().clean() or {}
        amount, has_lines = data.get("amount"), any(data.get(name) for name in self.skus)
        if bool(amount) == has_lines:
            raise forms.ValidationError("Enter either quantities or an amount.")
        if amount and not fits(amount, self.order.currency):
            self.add_error("amount", f"{self.order.currency} has fewer decimals.")
        if data.get("restock") and not has_lines:
            self.add_error("restock", "Enter the quantities that are back.")
        return data


def _quantity_field(label: str, most: int) -> forms.IntegerField:
    return forms.IntegerField(
        label=label, required=False, min_value=0, max_value=most, help_text=f"At most {most}."
    )


def refund_order(site: admin.AdminSite, request: HttpRequest, order_id: UUID) -> HttpResponse:
    """Ask what is to be given back, say the effect, and request the refund once that is confirmed."""
    if not request.user.has_perms(PERMISSIONS):
        raise PermissionDenied
    order = get_object_or_404(Order.objects.prefetch_related("lines"), pk=order_id)
    if request.method == "POST" and has_taken_effect(request):
        messages.warning(request, str(AlreadyDone.__doc__))
        return HttpResponseRedirect(reverse("admin:orders_order_change", args=[order.pk]))
    form = RefundForm(order, request.POST if request.method == "POST" else None)
    plan = _plan(form) if request.method == "POST" and form.is_valid() else None
    if plan and form.cleaned_data["confirmed"] and _request(request, form):
        return HttpResponseRedirect(reverse("admin:orders_order_change", args=[order.pk]))
    context = {
        **site.each_context(request),
        "title": f"Give money of {order.number} back",
        "opts": Order._meta,
        "original": order,
        "form": form,
        "plan": plan,
        "left": Money.stored(left_of(order), order.currency),
        "given": form.cleaned_data if plan else {},
    }
    return TemplateResponse(request, "admin/orders/order/refund.html", context)


def _plan(form: RefundForm) -> Plan | None:
    try:
        return plan_refund(form.order, form.wish)
    except InvalidRefund as refusal:
        form.add_error(None, " ".join(problem.message for problem in refusal.problems))
    except OrdersError as refusal:
        form.add_error(None, str(refusal))
    return None


def _request(request: HttpRequest, form: RefundForm) -> bool:
    def act() -> None:
        refund = services.request_refund(
            order_id=form.order.pk, wish=form.wish, reason=form.cleaned_data["reason"]
        )
        journal.record(request, form.order, f"Requested a refund of {refund.money}.")
        messages.success(request, f"{form.order.number}: {refund.money} are on their way back.")

    try:
        take_effect_once(request, form, act)
    except AlreadyDone as error:
        messages.warning(request, str(error))
    except OrdersError as refusal:
        form.add_error(None, str(refusal))
        return False
    return True


class RefundRequestInline(ReadOnly, admin.TabularInline[RefundRequest, Order]):
    """Refunds on the page of their order."""

    model = RefundRequest
    fields = ("amount", "currency", "of", "restock", "state_now", "failure", "reason", "created_at")
    readonly_fields = fields
    verbose_name_plural = "refunds that were requested"

    @admin.display(description="Of")
    def of(self, refund: RefundRequest) -> str:
        """Return the lines that it is for, in words."""
        return lines_text(refund)

    @admin.display(description="State")
    def state_now(self, refund: RefundRequest) -> str:
        """Return the state."""
        return RefundRequest.State(refund.outcome).label


@admin.register(RefundRequest)
class RefundRequestAdmin(KeysetAdmin):
    """Refunds that were requested, read-only: an order's page has the form."""

    list_display = ("order_link", "amount", "currency", "of", "restock", "state_now", "failure", "created_at")
    list_filter = ("state",)
    list_select_related = ("order",)
    search_fields = ("order__id", "id")
    search_help_text = "The id of an order or of a refund"
    ordering = ("-pk",)

    @admin.display(description="Order")
    def order_link(self, refund: RefundRequest) -> str:
        """Return the number of the order, linked to its page."""
        url = reverse("admin:orders_order_change", args=[refund.order_id])
        return format_html('<a href="{}">{}</a>', url, refund.order.number)

    of = RefundRequestInline.of
    state_now = RefundRequestInline.state_now


def lines_text(refund: RefundRequest) -> str:
    """Return the lines that a refund is for, in words."""
    lines = ", ".join(f"{quantity} x {sku}" for sku, quantity in refund.quantities.items())
    return lines or "an amount"
