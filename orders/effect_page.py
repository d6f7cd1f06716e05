"""Pages of staff that say the effect of an act on an order before it is confirmed, and act once."""

from collections.abc import Callable
from dataclasses import dataclass

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

from orders.errors import InvalidOrder, OrdersError
from orders.models import Order
from shop import journal
from shop.rest.idempotency.forms import AlreadyDone, OneTimeForm, has_taken_effect, take_effect_once
from shop.stored_texts import translated
from shop.visible import check_visible


class Confirmed(OneTimeForm):
    """Form whose effect is shown before it is confirmed."""

    confirmed = forms.BooleanField(required=False, widget=forms.HiddenInput)


@dataclass(frozen=True)
class Act:
    """Act of staff on an order."""

    order: Order
    title: str
    #: Label of the button that confirms it.
    verb: StrOrPromise
    form: Confirmed
    #: Returns the effect in words; raises OrdersError.
    effect: Callable[[], str]
    #: Acts, and returns the act in English, for the journal; raises OrdersError. Its message is translated.
    run: Callable[[], str]
    #: URL of the page that follows.
    back: str
    #: Text above the empty form.
    introduction: str = ""


def reason_field(max_length: int, help_text: StrOrPromise) -> forms.CharField:
    """Return the field of a reason."""
    return forms.CharField(
        label=_("Reason"),
        max_length=max_length,
        validators=[check_visible],
        widget=forms.Textarea(attrs={"rows": 2, "class": "vLargeTextField"}),
        help_text=help_text,
    )


def quantity_field(label: str, most: int) -> forms.IntegerField:
    """Return the field of a quantity up to a limit."""
    return forms.IntegerField(
        label=label,
        required=False,
        min_value=0,
        max_value=most,
        help_text=gettext("At most {most}.").format(most=most),
    )


def show(site: admin.AdminSite, request: HttpRequest, act: Act) -> HttpResponse:
    """Show the form, then the effect; act once that is confirmed."""
    posted = request.method == "POST"
    if posted and has_taken_effect(request):
        messages.warning(request, str(AlreadyDone()))
        return HttpResponseRedirect(act.back)
    effect = _effect(act) if posted and act.form.is_valid() else ""
    if effect and act.form.cleaned_data["confirmed"] and _run(request, act):
        return HttpResponseRedirect(act.back)
    context = {
        **site.each_context(request),
        "title": act.title,
        "opts": Order._meta,
        "act": act,
        "form": act.form,
        "effect": effect,
    }
    return TemplateResponse(request, "admin/orders/order/effect.html", context)


def _effect(act: Act) -> str:
    try:
        return act.effect()
    except OrdersError as refusal:
        _refuse(act, refusal)
        return ""


def _run(request: HttpRequest, act: Act) -> bool:
    def run() -> None:
        done = act.run()
        journal.record(request, act.order, done)
        messages.success(request, f"{act.order.number}: {translated(done)}")

    try:
        take_effect_once(request, act.form, run)
    except AlreadyDone as error:
        messages.warning(request, str(error))
    except OrdersError as refusal:
        _refuse(act, refusal)
        return False
    return True


def _refuse(act: Act, refusal: OrdersError) -> None:
    problems = [one.message for one in refusal.problems] if isinstance(refusal, InvalidOrder) else []
    act.form.add_error(None, " ".join(problems) or str(refusal))
