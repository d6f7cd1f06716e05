"""One-time keys in forms: a form that is sent twice, by a double click or a reload, takes effect once."""

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

from django import forms
from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import gettext
from rest_framework import status
from rest_framework.response import Response

from shop.adminkit.theme import ActionForm
from shop.rest.idempotency.attempts import Attempt
from shop.rest.problems import IdempotencyKeyInUse, IdempotencyKeyReused


class OneTimeForm(forms.Form):
    """Form with a hidden key of its own. It is optional, for programs that fill the form in."""

    attempt = forms.UUIDField(required=False, initial=uuid4, widget=forms.HiddenInput)


class OneTimeActionForm(ActionForm):
    """Form of the actions of an admin list, with a key."""

    attempt = forms.UUIDField(required=False, initial=uuid4, widget=forms.HiddenInput, label="")


class AlreadyDone(Exception):
    """A form was sent before, and has taken effect."""

    def __init__(self) -> None:
        super().__init__(
            gettext("This form was sent before, and has taken effect: open it again for another one.")
        )


def take_effect_once(request: HttpRequest, form: OneTimeForm, act: Callable[[], Any]) -> None:
    """Run the act of a valid form in a transaction, unless the same form has taken effect before.

    Raises:
        AlreadyDone: it has.
    """
    with transaction.atomic():
        note_effect(request, form.cleaned_data["attempt"])
        act()


def note_effect(request: HttpRequest, key: UUID | None, *, about: object = "") -> None:
    """Note in the open transaction that the form with a key takes effect, on each object once.

    Raises:
        AlreadyDone: it has before. A form that was sent at the same time is waited for.
    """
    if key is None:
        return
    user_id = int(request.user.pk or 0)
    attempt = Attempt(user_id, "POST", f"{request.path}#{about}", str(key), fingerprint=str(key))
    try:
        if attempt.earlier_answer():
            raise AlreadyDone
        attempt.keep(Response(status=status.HTTP_302_FOUND))
    except (IdempotencyKeyInUse, IdempotencyKeyReused) as error:
        raise AlreadyDone from error


def has_taken_effect(request: HttpRequest) -> bool:
    """Tell whether the form that a request brings was sent before, and has taken effect."""
    key, user_id = key_of_form(request), int(request.user.pk or 0)
    if key is None:
        return False
    attempt = Attempt(user_id, "POST", f"{request.path}#", str(key), fingerprint=str(key))
    return attempt.earlier_answer() is not None


def key_of_form(request: HttpRequest) -> UUID | None:
    """Return the key that a form brings, if it is one."""
    try:
        return UUID(request.POST.get("attempt", ""))
    except ValueError:
        return None
