"""One-time keys in forms of the admin: a form that is sent twice takes effect once."""

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

from django import forms
from django.db import transaction
from django.http import HttpRequest
from rest_framework import status
from rest_framework.response import Response

from shop.rest.idempotency.attempts import Attempt
from shop.rest.problems import IdempotencyKeyInUse, IdempotencyKeyReused


class OneTimeForm(forms.Form):
    """Form with a hidden key of its own. It is optional, for programs that fill the form in."""

    attempt = forms.UUIDField(required=False, initial=uuid4, widget=forms.HiddenInput)


class AlreadyDone(Exception):
    """This form was sent before, and has taken effect: open it again for another one."""


def take_effect_once(request: HttpRequest, form: OneTimeForm, act: Callable[[], Any]) -> None:
    """Run the act of a valid form in a transaction, unless the same form has taken effect before.

    Raises:
        AlreadyDone: it has, or is about to.
    """
    key: UUID | None = form.cleaned_data["attempt"]
    if key is None:
        with transaction.atomic():
            act()
        return
    attempt = Attempt(int(request.user.pk or 0), "POST", request.path, str(key), fingerprint=str(key))
    try:
        with attempt.alone(atomic=True):
            if attempt.earlier_answer():
                raise AlreadyDone(AlreadyDone.__doc__)
            act()
            attempt.keep(Response(status=status.HTTP_302_FOUND))
    except (IdempotencyKeyInUse, IdempotencyKeyReused) as error:
        raise AlreadyDone(AlreadyDone.__doc__) from error
