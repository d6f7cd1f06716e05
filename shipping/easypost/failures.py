"""Failures of EasyPost's API as errors of the port.

Messages name status and code. EasyPost's own words may contain an address, so they are left out, and so is
the SDK's exception, which has the body of the answer.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import requests
from easypost.errors.api.api_error import ApiError
from easypost.errors.api.http_error import HttpError
from easypost.errors.api.json_error import JsonError
from easypost.errors.api.timeout_error import TimeoutError as NoAnswer
from easypost.errors.general.easypost_error import EasyPostError
from urllib3.exceptions import NewConnectionError

from shipping.errors import CarrierError, CarrierTimeout, CarrierUnavailable

__all__ = ["CarrierError", "Refused", "describe", "translated"]

#: Beginnings of the codes with which a parcel is refused: its address, or the carrier's own refusal.
_OF_PARCELS = ("ADDRESS.", "SHIPMENT.POSTAGE.FAILURE", "SHIPMENT.INVALID_ADDRESS")
#: Codes after which the label may exist: it was bought before, is being bought, or the carrier was silent.
_UNKNOWN_OUTCOME = {
    "SHIPMENT.POSTAGE.EXISTS",
    "SHIPMENT.PURCHASE.IN_PROGRESS",
    "SHIPMENT.POSTAGE.TIMED_OUT",
    "SHIPMENT.POSTAGE.NO_RESPONSE",
}
_REMEDIES = {
    401: "check EASYPOST_API_KEY",
    402: "EasyPost's wallet is empty, or has no means of payment: fund it in the dashboard",
    403: "check the rights of EASYPOST_API_KEY, and EasyPost's dashboard",
}


class Refused(CarrierError):
    """EasyPost refuses the request, and has not acted."""

    def __init__(self, error: ApiError) -> None:
        super().__init__(describe(error))
        self.status = error.http_status
        self.code = error.code or ""
        self.is_by_parcel = self.code.startswith(_OF_PARCELS)
        #: The carrier's words, for the customer; not for logs.
        self.words = error.message


@contextmanager
def translated() -> Iterator[None]:
    """Raise the port's errors for those of the SDK.

    Raises:
        CarrierTimeout: EasyPost may have acted.
        CarrierUnavailable: EasyPost has not acted.
        Refused: EasyPost has not acted, and will not.
        CarrierError: EasyPost answers what it does not document.
    """
    try:
        yield
    except EasyPostError as error:
        raise _translate(error) from None


def describe(error: ApiError) -> str:
    """Describe an error without EasyPost's words."""
    return ", ".join([f"EasyPost answered {error.http_status}", *filter(None, [error.code])])


def _translate(error: EasyPostError) -> CarrierError:
    if isinstance(error, HttpError) or (isinstance(error, NoAnswer) and not error.http_status):
        return _translate_connection(error.__context__)
    if isinstance(error, JsonError):
        return CarrierTimeout("EasyPost's answer is no JSON")
    if not isinstance(error, ApiError) or not error.http_status:
        return CarrierError(f"EasyPost's SDK failed: {type(error).__name__}")
    return _translate_status(error, error.http_status)


def _translate_status(error: ApiError, status: int) -> CarrierError:
    if status == 429:
        return CarrierUnavailable(describe(error))
    if status in _REMEDIES:
        return CarrierUnavailable(f"{describe(error)}: {_REMEDIES[status]}")
    if status in {408, 409} or status >= 500 or error.code in _UNKNOWN_OUTCOME:
        return CarrierTimeout(describe(error))
    return Refused(error)


def _translate_connection(cause: BaseException | None) -> CarrierError:
    """Tell a connection that was never made from one that broke."""
    reason = getattr(cause.args[0], "reason", None) if cause and cause.args else None
    was_refused = isinstance(reason, NewConnectionError)
    if was_refused or isinstance(cause, requests.ConnectTimeout | requests.exceptions.SSLError):
        return CarrierUnavailable(f"no connection to EasyPost: {type(reason or cause).__name__}")
    return CarrierTimeout(f"EasyPost did not answer: {type(cause).__name__}")
