"""Refunds in the admin: a list, and a form on the order that says the effect before anything happens."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from orders import effect_page
from orders.effect_page import quantity_field, reason_field
from orders.models import Order, RefundRequest
from orders.models.refund import MAX_REASON
from orders.refunds import services
from orders.refunds.plan import Wish, left_of, plan_refund, quantities_left
from shop.adminkit.keyset_lists import KeysetAdmin
from shop.adminkit.read_only import ReadOnly
from shop.adminkit.theme import TabularInline
from shop.currencies import fits
from shop.messaging.contracts import Money

#: Permissions that it takes to request a refund.
PERMISSIONS = ("orders.view_order", "orders.refund_order")


class RefundForm(effect_page.Confirmed):
    """Form of a refund: of quantities of the order's lines, or of an amount."""

    amount = forms.DecimalField(
        label=_("Amount"),
        required=False,
        min_value=Decimal(0),
        max_digits=19,
        decimal_places=4,
        help_text=_("Instead of lines."),
    )
    restock = forms.BooleanField(
        label=_("Restock"),
        required=False,
        help_text=_("The goods of the lines are back, and go into the stock."),
    )
    reason = reason_field(MAX_REASON, _("For colleagues. Erased when the customer is forgotten."))

    def __init__(self, order: Order, data: Mapping[str, Any] | None = None) -> None:
        super().__init__(data)
        self.order = order
        left = quantities_left(order)
        lines = {
            f"quantity_{line.pk}": quantity_field(
                f"{line.name} ({line.sku}), {line.unit_price}", left[line.sku]
            )
            for line in order.lines.all()
            if left[line.sku] > 0
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
            raise forms.ValidationError(gettext("Enter either quantities or an amount."))
        if amount and not fits(amount, self.order.currency):
            self.add_error(
                "amount", gettext("{currency} has fewer decimals.").format(currency=self.order.currency)
            )
        if data.get("restock") and not has_lines:
            self.add_error("restock", gettext("Enter the quantities that are back."))
        return data


def refund_order(site: admin.AdminSite, request: HttpRequest, order_id: UUID) -> HttpResponse:
    """Ask what is to be given back, say the effect, and request the refund once that is confirmed."""
    if not request.user.has_perms(PERMISSIONS):
        raise PermissionDenied
    order = get_object_or_404(Order.objects.prefetch_related("lines"), pk=order_id)
    form = RefundForm(order, request.POST if request.method == "POST" else None)
    left = Money.stored(left_of(order), order.currency)
    act = effect_page.Act(
        order=order,
        title=gettext("Give money of {number} back").format(number=order.number),
        verb=gettext("Yes, give it back"),
        form=form,
        effect=lambda: _effect(form),
        run=lambda: _request(form),
        back=reverse("admin:orders_order_change", args=[order.pk]),
        introduction=gettext("{left} of {total_text} can still be given back.").format(
            left=left, total_text=order.total_text
        ),
    )
    return effect_page.show(site, request, act)


def _effect(form: RefundForm) -> str:
    plan = plan_refund(form.order, form.wish)
    if plan.cancels:
        goods = gettext(
            "The parcel has not left, and this is all the money: the order is cancelled, and its goods go"
            " back into the stock."
        )
    elif form.wish.restock:
        goods = gettext("The goods of the lines go back into the stock.")
    else:
        goods = gettext("The stock stays as it is.")
    money = gettext("{amount} go back to the customer. {left} can still be given back afterwards.").format(
        amount=plan.amount, left=plan.left
    )
    return gettext("{money} {goods} This cannot be taken back.").format(money=money, goods=goods)


def _request(form: RefundForm) -> str:
    refund = services.request_refund(
        order_id=form.order.pk, wish=form.wish, reason=form.cleaned_data["reason"]
    )
    return f"Requested a refund of {refund.money}."


class RefundRequestInline(ReadOnly, TabularInline[RefundRequest, Order]):
    """Refunds on the page of their order."""

    model = RefundRequest
    fields = ("amount", "currency", "of", "restock", "state_now", "failure", "reason", "created_at")
    readonly_fields = fields
    verbose_name_plural = _("refunds that were requested")

    @admin.display(description=_("Failure"))
    def failure(self, refund: RefundRequest) -> str:
        """Return the code of the failure."""
        return refund.failure

    @admin.display(description=_("Of"))
    def of(self, refund: RefundRequest) -> str:
        """Return the lines that it is for, in words."""
        return lines_text(refund)

    @admin.display(description=pgettext_lazy("of a thing", "State"))
    def state_now(self, refund: RefundRequest) -> str:
        """Return the state."""
        return gettext(str(RefundRequest.State(refund.outcome).label))


@admin.register(RefundRequest)
class RefundRequestAdmin(KeysetAdmin):
    """Refunds that were requested, read-only: an order's page has the form."""

    list_display = ("order_link", "amount", "currency", "of", "restock", "state_now", "failure", "created_at")
    list_filter = ("state",)
    list_select_related = ("order",)
    search_fields = ("order__id", "id")
    search_help_text = _("The id of an order or of a refund")
    ordering = ("-pk",)

    @admin.display(description=_("Failure"))
    def failure(self, refund: RefundRequest) -> str:
        """Return the code of the failure."""
        return refund.failure

    @admin.display(description=_("Order"))
    def order_link(self, refund: RefundRequest) -> str:
        """Return the number of the order, linked to its page."""
        url = reverse("admin:orders_order_change", args=[refund.order_id])
        return format_html('<a href="{}">{}</a>', url, refund.order.number)

    of = RefundRequestInline.of
    state_now = RefundRequestInline.state_now


def lines_text(refund: RefundRequest) -> str:
    """Return the lines that a refund is for, in words."""
    lines = ", ".join(f"{quantity} x {sku}" for sku, quantity in refund.quantities.items())
    return lines or gettext("an amount")
