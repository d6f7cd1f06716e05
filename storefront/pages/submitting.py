"""Submission of forms that take effect once."""

from collections.abc import Callable

from django.http import HttpRequest

from orders.errors import InvalidOrder, InvalidReturn, OrdersError
from shop.rest.idempotency.forms import AlreadyDone, OneTimeForm, take_effect_once


def submit_once(request: HttpRequest, form: OneTimeForm, act: Callable[[], None]) -> bool:
    """Run the act of a valid form once; False if it is refused, with the reasons in the form."""
    try:
        take_effect_once(request, form, act)
    except AlreadyDone:
        pass
    except (InvalidOrder, InvalidReturn) as refusal:
        form.add_error(None, " ".join(problem.message for problem in refusal.problems))
        return False
    except OrdersError as refusal:
        form.add_error(None, str(refusal))
        return False
    return True
