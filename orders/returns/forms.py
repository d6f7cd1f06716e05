"""Forms of staff for returns: what is sent back, why it is refused, and what came back."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from orders.effect_page import Confirmed, quantity_field, reason_field
from orders.models import Order, Return
from orders.models.returns import MAX_REASON
from orders.refunds.plan import quantities_left
from orders.returns.plan import Received
from shop.currencies import fits
from shop.messaging.contracts import Money


class RequestForm(Confirmed):
    """Quantities of an order that are sent back, and why."""

    reason = reason_field(MAX_REASON, _("For staff and the customer. Erased when the customer is forgotten."))

    def __init__(self, order: Order, data: Mapping[str, Any] | None = None) -> None:
        super().__init__(data)
        left = quantities_left(order)
        self.skus = {f"quantity_{line.pk}": line.sku for line in order.lines.all() if left[line.sku] > 0}
        lines = {
            f"quantity_{line.pk}": quantity_field(f"{line.name} ({line.sku})", left[line.sku])
            for line in order.lines.all()
            if left[line.sku] > 0
        }
        self.fields = {**lines, **self.fields}

    @property
    def lines(self) -> dict[str, int]:
        """SKU -> quantity, of valid data."""
        return {sku: given for name, sku in self.skus.items() if (given := self.cleaned_data.get(name))}

    def clean(self) -> dict[str, Any]:
        """Refuse a return of nothing."""
        data = super().clean() or {}
        if not any(data.get(name) for name in self.skus):
            raise forms.ValidationError(gettext("Enter at least one quantity."))
        return data


class RefusalForm(Confirmed):
    """Reason for which a return is refused."""

    reason = reason_field(MAX_REASON, _("The customer is told. Erased when the customer is forgotten."))


class ReceiptForm(Confirmed):
    """Quantities that came back, and what is given back for them."""

    nothing = forms.BooleanField(
        required=False, label=_("Give nothing back"), help_text=_("Instead of the price of what came back.")
    )
    amount = forms.DecimalField(
        label=_("Amount"),
        required=False,
        min_value=0,
        max_digits=19,
        decimal_places=4,
        help_text=_("Instead of the price of what came back."),
    )

    def __init__(
        self, returned: Return, data: Mapping[str, Any] | None = None, *, other_amounts: bool = False
    ) -> None:
        super().__init__(data)
        self.returned = returned
        names = {line.sku: line.name for line in returned.order.lines.all()}
        lines = {}
        for line in returned.lines.all():
            if line.awaited:
                label = f"{names[line.sku]} ({line.sku})"
                lines[f"restocked_{line.pk}"] = quantity_field(
                    gettext("{label}, can be sold again").format(label=label), line.awaited
                )
                lines[f"written_off_{line.pk}"] = quantity_field(
                    gettext("{label}, to be written off").format(label=label), line.awaited
                )
        rest = self.fields if other_amounts else {n: self.fields[n] for n in ("confirmed", "attempt")}
        self.fields = {**lines, **rest}

    @property
    def received(self) -> dict[str, Received]:
        """SKU -> pieces that came back, of valid data."""
        data = self.cleaned_data
        return {
            line.sku: Received(data.get(f"restocked_{line.pk}") or 0, data.get(f"written_off_{line.pk}") or 0)
            for line in self.returned.lines.all()
            if line.awaited
        }

    @property
    def money(self) -> Money | None:
        """Amount that is given back instead of the price; None for the price."""
        currency, data = self.returned.order.currency, self.cleaned_data
        if data.get("nothing"):
            return Money(amount=0, currency=currency)
        return Money(amount=data["amount"], currency=currency) if data.get("amount") else None

    def clean(self) -> dict[str, Any]:
        """Refuse a receipt of nothing, and contradictions about the money."""
        data = super().clean() or {}
        if not any(data.get(name) for name in self.fields if name.startswith(("restocked_", "written_off_"))):
            raise forms.ValidationError(gettext("Enter at least one quantity."))
        amount = data.get("amount")
        if amount and data.get("nothing"):
            self.add_error("amount", gettext("Leave it out, or give it back."))
        if amount and not fits(amount, self.returned.order.currency):
            self.add_error(
                "amount",
                gettext("{currency} has fewer decimals.").format(currency=self.returned.order.currency),
            )
        return data
