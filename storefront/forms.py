"""Forms of the storefront; each error message says what to do."""

from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth.forms import AuthenticationForm
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

from orders.addresses import GENERAL, Rules, rules_of
from orders.errors import Problem
from orders.events import Address
from orders.intake import ADDRESS_LIMITS, MAX_QUANTITY
from orders.returns.queries import ReturnableLine
from payments.queries import HOSTED_PAGE, has_hosted_page
from shop.rest.idempotency.forms import OneTimeForm
from shop.visible import is_visible
from storefront import countries
from storefront.test_cards import CARDS


class BrowseForm(forms.Form):
    """Order and bounds of the list of products. What is not understood is left out."""

    sort = forms.ChoiceField(
        label=_("Sort by"),
        choices=[
            ("name", _("Name")),
            ("price", _("Price, lowest first")),
            ("-price", _("Price, highest first")),
            ("newest", _("Newest first")),
        ],
        required=False,
    )
    lowest = forms.DecimalField(label=_("Price from"), min_value=0, max_digits=12, required=False)
    highest = forms.DecimalField(label=_("Price to"), min_value=0, max_digits=12, required=False)
    in_stock = forms.BooleanField(label=_("In stock only"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("lowest", "highest"):
            self.fields[name].widget = forms.TextInput(attrs={"inputmode": "decimal", "size": 6})
            self.fields[name].label = f"{self.fields[name].label} ({settings.SHOP_CURRENCY})"

    @property
    def chosen(self) -> dict[str, Any]:
        """Return what was chosen, as the catalogue takes it."""
        given = self.cleaned_data if self.is_valid() or self.is_bound else {}
        return {
            "sort": given.get("sort") or "name",
            "between": (given.get("lowest"), given.get("highest")),
            "in_stock": bool(given.get("in_stock")),
        }


class AddForm(forms.Form):
    """Quantity of a product to add to the basket."""

    sku = forms.CharField(max_length=64)
    quantity = forms.IntegerField(min_value=1, max_value=MAX_QUANTITY)


class ChangeForm(AddForm):
    """New quantity of a product in the basket; 0 removes it."""

    quantity = forms.IntegerField(min_value=0, max_value=MAX_QUANTITY)


#: Button that shows the form again, with the fields of the chosen country.
REFRESH = "refresh"
_ADDRESS = ("name", "country", "street", "second_line", "postal_code", "city", "region", "phone")


def _address_field(
    name: str, label: StrOrPromise, missing: StrOrPromise, autocomplete: str, **attrs: str
) -> forms.CharField:
    """Return a field for a part of the address, limited to the length that an order can store."""
    return forms.CharField(
        label=label,
        required=bool(missing),
        max_length=ADDRESS_LIMITS[name],
        error_messages={"required": missing},
        widget=forms.TextInput(attrs={"autocomplete": f"shipping {autocomplete}", **attrs}),
    )


def _region_field(rules: Rules) -> forms.ChoiceField:
    """Return a list of the regions, each with its names."""
    names: dict[str, list[str]] = {}
    for code, name in rules.regions:
        names.setdefault(code, []).append(name)
    listed = sorted(((code, " / ".join(all_names)) for code, all_names in names.items()), key=itemgetter(1))
    return forms.ChoiceField(
        choices=[("", gettext("Choose the {part}").format(part=rules.name_of("region"))), *listed],
        error_messages={
            "invalid_choice": gettext("Choose a {part} of the list.").format(part=rules.name_of("region"))
        },
        widget=forms.Select(attrs={"autocomplete": "shipping address-level1"}),
    )


class MeansForm(forms.Form):
    """Means of payment: a test card, or what the customer gives on the provider's page."""

    payment_method = forms.ChoiceField(
        label=_("Card"),
        choices=list(CARDS.items()),
        initial="pm_card_visa",
        error_messages={"required": _("Choose a card."), "invalid_choice": _("Choose a card of the list.")},
        widget=forms.RadioSelect,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if has_hosted_page():
            del self.fields["payment_method"]

    @property
    def means(self) -> str:
        """Token of the means of payment, of a valid form."""
        token: str = self.cleaned_data.get("payment_method", HOSTED_PAGE)
        return token


class PaymentForm(MeansForm, OneTimeForm):
    """Means with which an order is paid after all."""


class AddressForm(forms.Form):
    """A postal address, with the parts that it has in its country."""

    name = _address_field("name", _("Name"), _("Say who the parcel is for."), "name")
    street = _address_field(
        "street", _("Street and number"), _("Say the street and number."), "street-address"
    )
    second_line = _address_field("second_line", _("Flat, floor, building (optional)"), "", "address-line2")
    postal_code = _address_field("postal_code", _("Postal code"), "", "postal-code")
    city = _address_field("city", _("City"), "", "address-level2")
    region = _address_field("region", _("State, province or region"), "", "address-level1")
    country = forms.ChoiceField(
        label=_("Country"),
        choices=lambda: [("", _("Choose a country")), *countries.choices()],
        error_messages={
            "required": _("Choose the country."),
            "invalid_choice": _("Choose a country of the list."),
        },
        widget=forms.Select(attrs={"autocomplete": "shipping country", "data-refresh": ""}),
    )
    phone = _address_field("phone", _("Telephone (optional)"), "", "tel", type="tel")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rules = rules_of(str((self.data or self.initial).get("country", "")))
        for name in ("city", "region", "postal_code"):
            self._shape(name, rules)

    def _shape(self, name: str, rules: Rules) -> None:
        """Make a part of the address what it is in the country, or leave it out."""
        if name not in rules.known:
            del self.fields[name]
            return
        if name == "region" and rules.regions:
            self.fields[name] = _region_field(rules)
        field = self.fields[name]
        field.required = name in rules.required
        field.label = gettext(rules.labels[name])
        if not field.required and rules is not GENERAL:
            field.label = gettext("{label} (optional)").format(label=field.label)
        field.error_messages["required"] = gettext("Say the {part}.").format(
            part=gettext("city") if name == "city" else rules.name_of(name)
        )

    @property
    def address(self) -> list[forms.BoundField]:
        """Fields of the address, in the order of the page."""
        return [self[name] for name in _ADDRESS if name in self.fields]

    @property
    def ship_to(self) -> Address:
        """Delivery address of a valid form."""
        return Address(**{name: self.cleaned_data.get(name, "") for name in Address.model_fields})

    def add_problem(self, problem: Problem) -> None:
        """Add an error reported by orders, at its field if the form has it."""
        name = str(problem.path[-1])
        self.add_error(name if name in self.fields else None, problem.message)


class CheckoutForm(MeansForm, AddressForm):
    """Delivery address and payment method of an order."""

    #: Key of the basket, so that resubmitting the form places no second order.
    idempotency_key = forms.UUIDField(widget=forms.HiddenInput)
    #: Fingerprint of the basket that the customer saw.
    seen = forms.CharField(widget=forms.HiddenInput, required=False)

    keep_address = forms.BooleanField(label=_("Keep this address in my address book"), required=False)

    def clean(self) -> dict[str, Any]:
        """Refuse a form without a valid key."""
        if "idempotency_key" in self.errors:
            raise ValidationError(
                gettext("This page is out of date: open the basket and start again from there.")
            )
        return self.cleaned_data


class GuestCheckoutForm(CheckoutForm):
    """Checkout without an account."""

    email = forms.EmailField(
        label=_("E-mail"),
        max_length=254,
        help_text=_("We send you a link there, by which you follow your order."),
        error_messages={
            "required": _("Enter your e-mail address: we write to you about your order."),
            "invalid": _("This is no e-mail address: write it as in ada@example.com."),
        },
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        del self.fields["keep_address"]

    def clean_email(self) -> str:
        """Return the address in lower case, as it is stored."""
        email: str = self.cleaned_data["email"]
        return email.lower()


class ReturnForm(OneTimeForm):
    """Quantities of an order that are sent back, and why."""

    reason = forms.CharField(
        label=_("Why?"),
        max_length=300,
        error_messages={"required": _("Say why you send it back.")},
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(self, lines: Sequence[ReturnableLine], data: Mapping[str, Any] | None = None) -> None:
        super().__init__(data)
        self.skus = {f"quantity_{number}": line.sku for number, line in enumerate(lines)}
        quantities = {
            f"quantity_{number}": forms.TypedChoiceField(
                label=line.name,
                choices=[(n, gettext("none") if n == 0 else str(n)) for n in range(line.quantity + 1)],
                coerce=int,
                required=False,
                empty_value=None,
                error_messages={
                    "invalid_choice": gettext("You can send at most {quantity} back.").format(
                        quantity=line.quantity
                    )
                },
            )
            for number, line in enumerate(lines)
        }
        self.fields = {**quantities, **self.fields}

    @property
    def quantities(self) -> dict[str, int]:
        """SKU -> quantity, of valid data."""
        return {sku: n for name, sku in self.skus.items() if (n := self.cleaned_data.get(name))}

    def clean(self) -> dict[str, Any]:
        """Refuse a return of nothing, and a reason that nobody can see."""
        data = super().clean() or {}
        if not any(name in self.errors for name in self.skus) and not any(map(data.get, self.skus)):
            raise ValidationError(gettext("Choose how many of which product you would like to send back."))
        if data.get("reason") and not is_visible(data["reason"]):
            self.add_error("reason", gettext("Say why you send it back."))
        return data


class LogInForm(AuthenticationForm):
    """Login by e-mail address, for customers, or by user name."""

    error_messages = {
        "invalid_login": _("E-mail and password do not match an account: check both, or create an account."),
        "inactive": _("This account is closed: write to us to open it again."),
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].label = gettext("E-mail or user name")
        self.fields["username"].error_messages["required"] = gettext("Enter your e-mail address.")
        self.fields["password"].error_messages["required"] = gettext("Enter your password.")
