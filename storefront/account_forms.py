"""Forms of a customer's own account; each error message says what to do."""

from django import forms

from shop.accounts.scopes import SCOPES


class KeyForm(forms.Form):
    """A new API key: what it is for, how long it works, and what it may do."""

    name = forms.CharField(
        label="What is it for?",
        max_length=60,
        error_messages={"required": "Give the key a name, as in “bookkeeping”."},
    )
    days = forms.ChoiceField(
        label="It ends after",
        choices=[("7", "7 days"), ("30", "30 days"), ("90", "90 days"), ("365", "365 days")],
        initial="90",
    )
    scopes = forms.MultipleChoiceField(
        label="It may",
        choices=[(scope, scope) for scope in SCOPES],
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="Without a tick it may all that you may.",
    )
