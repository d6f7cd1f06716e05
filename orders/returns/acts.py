"""Acts of staff on returns, each with its form and its effect in words."""

from collections.abc import Callable
from typing import Any, NamedTuple

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from orders.effect_page import Act, Confirmed
from orders.models import Order, Return
from orders.returns import receiving, services
from orders.returns.forms import ReceiptForm, RefusalForm, RequestForm
from orders.returns.plan import check_lines, check_returnable

_OTHER_AMOUNT = "orders.refund_order"


class Kind(NamedTuple):
    """Kind of act on a return."""

    #: States in which it is offered.
    states: tuple[Return.State, ...]
    permission: str
    #: Returns the act, filled in by the request.
    make: Callable[[Return, HttpRequest], Act]


def request_act(order: Order, request: HttpRequest) -> Act:
    """Return the act of asking for a return."""
    form = RequestForm(order, _data(request))

    def effect() -> str:
        check_returnable(order, by_customer=False)
        check_lines(order, form.lines)
        lines = ", ".join(f"{quantity} x {sku}" for sku, quantity in form.lines.items())
        return gettext(
            "A return of {lines} is asked for, and decided upon next. The customer gets an e-mail."
        ).format(lines=lines)

    def run() -> str:
        services.request_return(
            order_id=order.pk, lines=form.lines, reason=form.cleaned_data["reason"], by_customer=False
        )
        return "Asked for a return."

    return Act(
        order=order,
        title=gettext("Send goods of {number} back").format(number=order.number),
        verb=gettext("Yes, ask for it"),
        form=form,
        effect=effect,
        run=run,
        back=reverse("admin:orders_order_change", args=[order.pk]),
    )


def _approval(returned: Return, request: HttpRequest) -> Act:
    days = settings.SHOP_RETURN_ARRIVAL.days
    return _act(
        returned,
        Confirmed(_data(request)),
        gettext("Approve"),
        done="Approved a return.",
        effect=lambda: gettext(
            "The customer may send the goods, and is told so. They have {days} days to come."
        ).format(days=days),
        service=services.approve_return,
    )


def _refusal(returned: Return, request: HttpRequest) -> Act:
    form = RefusalForm(_data(request))
    return _act(
        returned,
        form,
        gettext("Refuse"),
        done="Refused a return.",
        effect=lambda: gettext(
            "The customer keeps the goods, and is told the reason. This cannot be taken back."
        ),
        service=lambda **ids: services.reject_return(**ids, reason=form.cleaned_data["reason"]),
    )


def _withdrawal(returned: Return, request: HttpRequest) -> Act:
    return _act(
        returned,
        Confirmed(_data(request)),
        gettext("Withdraw"),
        done="Withdrew a return.",
        effect=lambda: gettext("The goods, or the rest of them, stay with the customer, who is told so."),
        service=services.cancel_return,
    )


def _receipt(returned: Return, request: HttpRequest) -> Act:
    form = ReceiptForm(returned, _data(request), other_amounts=request.user.has_perm(_OTHER_AMOUNT))
    return _act(
        returned,
        form,
        gettext("Receive"),
        done="Received goods of a return.",
        effect=lambda: _effect_of_receipt(returned, form),
        service=lambda **ids: receiving.receive_return(**ids, received=form.received, amount=form.money),
    )


def _effect_of_receipt(returned: Return, form: ReceiptForm) -> str:
    received = {sku: one for sku, one in form.received.items() if one.quantity}
    receiving.check_received(returned, received)
    money = receiving.planned_amount(returned, received, form.money)
    stocked = ", ".join(f"{one.restocked} x {sku}" for sku, one in received.items() if one.restocked)
    lost = ", ".join(f"{one.written_off} x {sku}" for sku, one in received.items() if one.written_off)
    parts = [
        gettext("{stocked} go into the stock.").format(stocked=stocked)
        if stocked
        else gettext("Nothing goes into the stock."),
        gettext("{lost} are written off.").format(lost=lost) if lost else "",
        gettext("{money} go back to the customer.").format(money=money)
        if money.amount
        else gettext("Nothing is given back."),
        gettext("This cannot be taken back."),
    ]
    return " ".join(filter(None, parts))


def _act(
    returned: Return,
    form: Confirmed,
    verb: str,
    *,
    done: str,
    effect: Callable[[], str],
    service: Callable[..., object],
) -> Act:
    label, participle = _WORDS[verb]

    def checked() -> str:
        services.check_state(returned, *KINDS[verb.lower()].states, act=participle)
        return effect()

    def run() -> str:
        service(order_id=returned.order_id, return_id=returned.pk)
        return done

    return Act(
        order=returned.order,
        title=gettext("{verb} a return of {number}").format(verb=verb, number=returned.order.number),
        verb=label,
        form=form,
        effect=checked,
        run=run,
        back=reverse("admin:orders_return_change", args=[returned.pk]),
    )


def _data(request: HttpRequest) -> Any:
    return request.POST if request.method == "POST" else None


#: Verb -> label of its button, and participle.
_WORDS = {
    "Approve": (_("Yes, approve it"), "approved"),
    "Refuse": (_("Yes, refuse it"), "refused"),
    "Receive": (_("Yes, that came back"), "received"),
    "Withdraw": (_("Yes, withdraw it"), "withdrawn"),
}

#: Kinds of acts on a return, by their names in URLs.
KINDS = {
    "approve": Kind((Return.State.REQUESTED,), "orders.decide_return", _approval),
    "refuse": Kind((Return.State.REQUESTED,), "orders.decide_return", _refusal),
    "receive": Kind((Return.State.APPROVED,), "orders.receive_return", _receipt),
    "withdraw": Kind(Return.LIVE, "orders.decide_return", _withdrawal),
}
