"""Forms of a customer's own account; each error message says what to do."""

from typing import Any

from django import forms
from django.contrib.auth.forms import BaseUserCreationForm
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

from shop.accounts import two_factor
from shop.accounts.names import MAX_LENGTH, validate_name
from shop.accounts.passwords import is_own_password
from shop.accounts.scopes import SCOPES
from shop.adminkit.conflicts import ConflictAwareForm
from shop.rest.idempotency.forms import OneTimeForm
from shop.visible import check_visible

#: Name, autocomplete and message of the fields that say who somebody is.
_PERSON = (
    ("first_name", "given-name", _("Enter your first name.")),
    ("last_name", "family-name", _("Enter your last name.")),
    ("email", "email", _("Enter your e-mail address: we write to you about your orders.")),
)


def _prepare_person(form: "forms.ModelForm[User]") -> None:
    """Make names and address required, and limit the names to what names are."""
    for name, purpose, missing in _PERSON:
        field = form.fields[name]
        field.required = True
        field.error_messages["required"] = missing
        field.widget.attrs["autocomplete"] = purpose
    form.fields["email"].label = gettext("E-mail")
    for name in ("first_name", "last_name"):
        form.fields[name].widget.attrs["maxlength"] = MAX_LENGTH
        form.fields[name].validators.append(validate_name)


def _clean_email(email: str) -> str:
    """Return an address as it is stored: in lower case, and short enough for a user name."""
    if len(email) > 150:
        raise ValidationError(gettext("This address is too long for us: use one of at most 150 characters."))
    return email.lower()


class RegistrationForm(BaseUserCreationForm[User]):
    """Registration of a customer, with the e-mail address as user name.

    It does not say whether there is an account with the address already.
    """

    class Meta:
        model = User
        fields = ("first_name", "last_name", "email")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _prepare_person(self)
        self.fields["password1"].error_messages["required"] = gettext("Choose a password.")
        self.fields["password2"].error_messages["required"] = gettext("Enter the same password again.")

    def clean_email(self) -> str:
        """Use the address as user name."""
        self.instance.username = _clean_email(self.cleaned_data["email"])
        return self.instance.username


#: Fields of a profile that are stored at once.
_NAMES = ("first_name", "last_name")


class ProfileForm(ConflictAwareForm, forms.ModelForm[User]):
    """Names and e-mail address. A new address takes the password, and its owner's confirmation."""

    password = forms.CharField(
        label=_("Your password"),
        required=False,
        strip=False,
        help_text=_("Only for a new e-mail address."),
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )

    class Meta:
        model = User
        fields = ("first_name", "last_name", "email")

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._request = request
        _prepare_person(self)
        self.fields["password"].show_hidden_initial = False
        #: The present address: the new one is not the account's own before it is confirmed.
        self.present = self.instance.email

    def clean_email(self) -> str:
        """Keep the present spelling of an address that stays."""
        email = _clean_email(self.cleaned_data["email"])
        return self.present if email == self.present.lower() else email

    def clean(self) -> dict[str, Any]:
        """Refuse a new address without the password."""
        given = super().clean() or self.cleaned_data
        is_new = given.get("email", self.present) != self.present
        if is_new and not is_own_password(self._request, given.get("password", "")):
            self.add_error("password", gettext("Enter your present password to change the address."))
        return given

    def save(self, commit: bool = True) -> User:
        """Store the names alone, and of them what this form changes."""
        customer: User = self.instance
        customer.email = self.present
        customer.save(update_fields=[name for name in self.changed_data if name in _NAMES])
        return customer


class PasswordForm(forms.Form):
    """An act that takes the password."""

    password = forms.CharField(
        label=_("Your password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        error_messages={"required": _("Enter your password.")},
    )

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._request = request

    def clean_password(self) -> str:
        """Refuse another password."""
        password: str = self.cleaned_data["password"]
        if not is_own_password(self._request, password):
            raise ValidationError(gettext("This is not your password."))
        return password


class KeyForm(OneTimeForm):
    """A new API key: what it is for, how long it works, and what it may do."""

    name = forms.CharField(
        label=_("What is it for?"),
        max_length=60,
        validators=[check_visible],
        error_messages={"required": _("Give the key a name, as in “bookkeeping”.")},
    )
    days = forms.ChoiceField(
        label=_("It ends after"),
        choices=[("7", _("7 days")), ("30", _("30 days")), ("90", _("90 days")), ("365", _("365 days"))],
        initial="90",
    )
    scopes = forms.MultipleChoiceField(
        label=_("It may"),
        choices=[(scope, scope) for scope in SCOPES],
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Without a tick it may all that you may."),
    )


def _code_field(help_text: StrOrPromise) -> forms.CharField:
    return forms.CharField(
        label=gettext("Code"),
        max_length=40,
        help_text=help_text,
        error_messages={"required": gettext("Enter the code.")},
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "autocapitalize": "characters"}),
    )


class CodeForm(forms.Form):
    """A code of the authenticator app, or a recovery code."""

    code = _code_field(_("Of your authenticator app, or one of your recovery codes."))

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._user = user

    def clean_code(self) -> str:
        """Check the code, and use it up."""
        code: str = self.cleaned_data["code"]
        if not two_factor.check_code(self._user, code):
            raise ValidationError(
                gettext("This code is not right, or was used: wait for the next one, then enter it.")
            )
        return code


class EnrolmentForm(PasswordForm):
    """The first code of a new device, which takes the password."""

    code = _code_field(_("The six digits that the app shows."))
