"""The decorator of view methods that heed an Idempotency-Key."""

from collections.abc import Callable
from contextlib import nullcontext
from functools import wraps
from typing import Any, NamedTuple, TypeVar

from django.db import transaction
from rest_framework.request import Request
from rest_framework.response import Response

from shop.rest.idempotency.attempts import REPLAYED, Attempt
from shop.rest.idempotency.keys import key_of

Method = Callable[..., Response]
M = TypeVar("M", bound=Method)


class Rules(NamedTuple):
    """The use that a view's method makes of an Idempotency-Key."""

    required: bool
    #: Repeats get the first answer; False if the key is only checked.
    remembered: bool
    #: A parallel attempt waits for the first, and does not get 409.
    waits: bool = False


def idempotent(
    *,
    required: bool = False,
    atomic: bool = True,
    remembered: bool = True,
    has_effect: Callable[[Request], bool] = lambda request: True,
) -> Callable[[Method], Method]:
    """Have a view's method take effect once for each user, path and Idempotency-Key.

    A repeat gets the first answer, marked ``Idempotent-Replayed: true``; with another body 422; while the
    first attempt is under way 409. A refusal (4xx) and an error (5xx) had no effect and are not kept: the
    next attempt is judged anew.

    Args:
        required: refuse requests without a key, because money or stock moves.
        atomic: the method's work is one transaction, which the answer joins: after a crash there are both
            or neither. Otherwise a crash between them lets a repeat do the work again.
        remembered: False for answers that must not be stored, as those with secrets.
        has_effect: tells requests that only look, whose key stays free.
    """

    def decorate(method: Method) -> Method:
        @wraps(method)
        def once(view: Any, request: Request, *args: Any, **kwargs: Any) -> Response:
            key = key_of(request, required=required)
            is_kept = remembered and has_effect(request)
            if not (key and is_kept and request.user.is_authenticated):
                with transaction.atomic() if atomic and remembered else nullcontext():
                    return method(view, request, *args, **kwargs)
            attempt = Attempt.of(request, key)
            with attempt.alone(atomic=atomic):
                if earlier := attempt.earlier_answer():
                    earlier[REPLAYED] = "true"
                    return earlier
                response = method(view, request, *args, **kwargs)
                attempt.keep(response)
                return response

        once.idempotency = Rules(required, remembered)  # type: ignore[attr-defined]
        return once

    return decorate


def idempotent_by_itself(method: M) -> M:
    """Mark a view's method that keeps the promises of an Idempotency-Key by a mechanism of its own."""
    method.idempotency = Rules(required=False, remembered=True, waits=True)  # type: ignore[attr-defined]
    return method
