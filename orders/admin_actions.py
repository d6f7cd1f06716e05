"""Actions of operators on orders, with their confirmation and their forms."""

from collections.abc import Callable
from typing import Any, NamedTuple
from uuid import UUID

from django import forms
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

from orders import resending, services
from orders.errors import InvalidOrder
from orders.events import Address
from orders.intake import ADDRESS_LIMITS, check_address
from orders.models import Order


class Action(NamedTuple):
    """An action of an operator on an order."""

    #: Title of the confirmation page.
    question: StrOrPromise
    #: Text of the confirmation page.
    consequence: StrOrPromise
    #: Label of the button.
    verb: StrOrPromise
    #: Message shown and logged afterwards.
    done: str
    #: Gets the order's id, and what was entered into the form.
    service: Callable[[UUID, dict[str, Any]], Order]
    permission: str
    #: Raises OrdersError if the order cannot be acted upon.
    check: Callable[[Order], None] = lambda order: None
    #: Form to be filled in, with a reason among its fields.
    form: type[forms.Form] | None = None


class ReasonForm(forms.Form):
    """Form for the reason of an action."""

    reason = forms.CharField(
        label=_("Reason"),
        max_length=services.MAX_SETTLEMENT,
        widget=forms.Textarea(attrs={"rows": 2, "class": "vLargeTextField"}),
        help_text=_("Kept for ever, in the log of events and in the journal: name no persons."),
    )


class ResendForm(ReasonForm):
    """Form for sending an order again."""

    goods = forms.ChoiceField(
        label=_("Goods"),
        choices=[
            ("", "---------"),
            ("returned", _("The parcel came back: send it again")),
            ("new", _("The goods are lost: take others from the stock")),
        ],
    )
    other_address = forms.BooleanField(
        label=_("Other address"),
        required=False,
        help_text=_("Send it to the address below, instead of that of the order."),
    )
    name = forms.CharField(label=_("Name"), required=False, max_length=ADDRESS_LIMITS["name"])
    street = forms.CharField(label=_("Street"), required=False, max_length=ADDRESS_LIMITS["street"])
    second_line = forms.CharField(
        label=_("Second line"), required=False, max_length=ADDRESS_LIMITS["second_line"]
    )
    city = forms.CharField(label=_("City"), required=False, max_length=ADDRESS_LIMITS["city"])
    region = forms.CharField(label=_("Region"), required=False, max_length=ADDRESS_LIMITS["region"])
    postal_code = forms.CharField(
        label=_("Postal code"), required=False, max_length=ADDRESS_LIMITS["postal_code"]
    )
    country = forms.RegexField(
        r"^[A-Z]{2}$", label=_("Country"), required=False, help_text=_("ISO 3166-1 alpha-2, as in GB.")
    )
    phone = forms.CharField(label=_("Phone"), required=False, max_length=ADDRESS_LIMITS["phone"])
    field_order = ("goods", "reason")

    def clean(self) -> dict[str, Any]:
        """Refuse an incomplete address, in words for its fields."""
        given: dict[str, Any] = super().clean() or {}
        if given.get("other_address") and not self.errors:
            given["ship_to"] = self._address(given)
        return given

    def _address(self, given: dict[str, Any]) -> Address | None:
        if not given["country"]:
            self.add_error("country", gettext("Choose the country."))
            return None
        address = Address(**{part: given[part] for part in Address.model_fields})
        try:
            check_address(address)
        except InvalidOrder as refusal:
            for problem in refusal.problems:
                self.add_error(str(problem.path[-1]), problem.message)
        return address


ACTIONS = {
    "cancel": Action(
        question=_("Cancel?"),
        consequence=_(
            "Shipping is asked to stop the parcel. If it has not left, the money is refunded and "
            "the goods go back into the stock. This cannot be taken back."
        ),
        verb=_("Yes, cancel"),
        done=gettext_noop("The cancellation is on its way."),
        service=lambda order_id, _: services.request_cancellation(order_id=order_id, reason="operator"),
        permission="orders.cancel_order",
        check=services.check_cancellable,
    ),
    "resume": Action(
        question=_("Go on waiting?"),
        consequence=_(
            "The order goes back to where it was held up and waits for its next step, with a new deadline."
        ),
        verb=_("Yes, go on waiting"),
        done=gettext_noop("The order goes on waiting."),
        service=lambda order_id, _: services.resume_order(order_id=order_id),
        permission="orders.resume_order",
        check=services.check_resumable,
    ),
    "settle": Action(
        question=_("Settle?"),
        consequence=_(
            "The order ends here, because nothing else will end it. Money, stock and parcel stay as "
            "they are: see to them first. This cannot be taken back."
        ),
        verb=_("Yes, settle"),
        done=gettext_noop("Settled the order."),
        service=lambda order_id, given: services.settle_order(order_id=order_id, reason=given["reason"]),
        permission="orders.settle_order",
        check=services.check_settleable,
        form=ReasonForm,
    ),
    "resend": Action(
        question=_("Send again?"),
        consequence=_(
            "Another parcel is booked, and the order waits for it. The customer pays nothing. If the "
            "stock or the carrier cannot serve it, the order needs attention again."
        ),
        verb=_("Yes, send it again"),
        done=gettext_noop("Sent the order again."),
        service=lambda order_id, given: resending.resend_order(
            order_id=order_id,
            reason=given["reason"],
            new_goods=given["goods"] == "new",
            ship_to=given.get("ship_to"),
        ),
        permission="orders.resend_order",
        check=resending.check_resendable,
        form=ResendForm,
    ),
}
