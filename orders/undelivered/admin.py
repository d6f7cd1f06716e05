"""Undelivered orders in the admin: a page that says the effect of giving one up before anything happens."""

from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from orders import effect_page
from orders.effect_page import reason_field
from orders.errors import OrdersError
from orders.models import Order
from orders.services import MAX_SETTLEMENT
from orders.undelivered import services
from orders.undelivered.plan import LOST, RETURNED, check_undelivered, effect_of, plan_giving_up
from shop.rest.idempotency.forms import has_taken_effect

#: Permissions that it takes. The end follows from the refund, as a cancellation does before shipping.
PERMISSIONS = ("orders.view_order", "orders.refund_order")


class GiveUpForm(effect_page.Confirmed):
    """Form of an undelivered order: what became of its goods, and the reason."""

    goods = forms.ChoiceField(
        label=_("Goods"),
        choices=[
            ("", "---------"),
            (RETURNED, _("The parcel came back: put them into the stock")),
            (LOST, _("They are lost, or cannot be sold: write them off")),
        ],
    )
    reason = reason_field(
        MAX_SETTLEMENT, _("Kept for ever, in the log of events and in the journal: name no persons.")
    )


def refund_and_settle(site: admin.AdminSite, request: HttpRequest, order_id: UUID) -> HttpResponse:
    """Ask what became of the goods, say the effect, and act once that is confirmed."""
    if not request.user.has_perms(PERMISSIONS):
        raise PermissionDenied
    order = get_object_or_404(Order.objects.prefetch_related("lines"), pk=order_id)
    back = reverse("admin:orders_order_change", args=[order.pk])
    if refusal := _refusal(request, order):
        messages.error(request, refusal)
        return HttpResponseRedirect(back)
    form = GiveUpForm(request.POST if request.method == "POST" else None)
    act = effect_page.Act(
        order=order,
        title=gettext("Refund and settle {number}").format(number=order.number),
        verb=gettext("Yes, refund and settle"),
        form=form,
        effect=lambda: effect_of(plan_giving_up(order, goods=form.cleaned_data["goods"])),
        run=lambda: _run(order, form),
        back=back,
        introduction=gettext("The parcel did not arrive, and the order is not sent again."),
    )
    return effect_page.show(site, request, act)


def _refusal(request: HttpRequest, order: Order) -> str:
    """Return why the order cannot be given up; a second click is answered by the page itself."""
    if request.method == "POST" and has_taken_effect(request):
        return ""
    try:
        check_undelivered(order)
    except OrdersError as refusal:
        return str(refusal)
    return ""


def _run(order: Order, form: GiveUpForm) -> str:
    given = form.cleaned_data
    refund = services.refund_and_settle(order_id=order.pk, goods=given["goods"], reason=given["reason"])
    return services.done_text(refund, given["reason"])
