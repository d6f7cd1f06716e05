"""Failures of Stripe's API as errors of the port.

Messages name status, code and Stripe's id of the request. Stripe's own words may contain means of payment, so
they are left out, and so is the SDK's exception, which has the body of the answer.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import requests
import stripe
from urllib3.exceptions import NewConnectionError

from payments.errors import GatewayError, GatewayTimeout, GatewayUnavailable

T = TypeVar("T")

#: Keys under which a call is made while Stripe repeats the errors that it has stored under earlier ones.
ATTEMPTS = 3
_UNFIT_KEY = "check STRIPE_API_KEY, and its rights in Stripe's dashboard"


class StoredFailure(GatewayTimeout):
    """Stripe repeats the error 500 in which the first call under this idempotency key ended."""


class KeyTaken(GatewayError):
    """The idempotency key was used for a call with other parameters."""


class Refused(GatewayError):
    """Stripe refuses the card (402) or the request (400, 404), and has not acted."""

    def __init__(self, error: stripe.CardError | stripe.InvalidRequestError) -> None:
        super().__init__(describe(error))
        self.code = error.code or ""
        #: Parameter of the request that is wrong.
        self.param = error.param or ""
        self.is_by_card = isinstance(error, stripe.CardError)
        #: Stripe's words, for the customer; not for logs.
        self.words = error.user_message or ""


@contextmanager
def translated() -> Iterator[None]:
    """Raise the port's errors for those of the SDK.

    Raises:
        GatewayTimeout: Stripe may have acted.
        GatewayUnavailable: Stripe has not acted.
        Refused, KeyTaken: Stripe has not acted, and will not.
        GatewayError: Stripe answers what it does not document.
    """
    try:
        yield
    except stripe.StripeError as error:
        raise _translate(error) from None


def at_most_once(key: str, act: Callable[[str], T], *, look: Callable[[], T | None]) -> T:
    """Act under an idempotency key. If Stripe has stored an error 500 under it, look, and use another key.

    A call whose error is stored has ended. So all callers agree on the next key, and none acts twice.

    Raises:
        GatewayError: as translated(); after GatewayTimeout and GatewayUnavailable call again.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with translated():
                return act(key if attempt == 1 else f"{key}:{attempt}")
        except StoredFailure:
            with translated():
                known = look()
            if known is not None:
                return known
    raise GatewayTimeout(f"Stripe failed at {key} {ATTEMPTS} times")


def describe(error: stripe.StripeError) -> str:
    """Describe an error without Stripe's words."""
    parts = [error.code, f"request {error.request_id}" if error.request_id else None]
    return ", ".join([f"Stripe answered {error.http_status}", *filter(None, parts)])


def _translate(error: stripe.StripeError) -> GatewayError:
    if isinstance(error, stripe.APIConnectionError):
        return _translate_connection(error.__cause__)
    if isinstance(error, stripe.CardError | stripe.InvalidRequestError):
        return Refused(error)
    if isinstance(error, stripe.IdempotencyError):
        return KeyTaken(describe(error))
    if isinstance(error, stripe.RateLimitError):
        return GatewayUnavailable(describe(error))
    if isinstance(error, stripe.AuthenticationError | stripe.PermissionError):
        return GatewayUnavailable(f"{describe(error)}: {_UNFIT_KEY}")
    return _translate_status(error, error.http_status or 500)


def _translate_status(error: stripe.StripeError, status: int) -> GatewayError:
    if status == 409:  # another call under this idempotency key is under way
        return GatewayTimeout(describe(error))
    if status < 500:
        return GatewayError(describe(error))
    headers = {name.lower(): value for name, value in (error.headers or {}).items()}
    is_stored = headers.get("idempotent-replayed") == "true"
    return (StoredFailure if is_stored else GatewayTimeout)(describe(error))


def _translate_connection(cause: BaseException | None) -> GatewayError:
    """Tell a connection that was never made from one that broke."""
    reason = getattr(cause.args[0], "reason", None) if cause and cause.args else None
    was_refused = isinstance(reason, NewConnectionError)
    if was_refused or isinstance(cause, requests.ConnectTimeout | requests.exceptions.SSLError):
        return GatewayUnavailable(f"no connection to Stripe: {type(reason or cause).__name__}")
    return GatewayTimeout(f"Stripe did not answer: {type(cause).__name__}")
