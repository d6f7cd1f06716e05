"""Errors as RFC 9457 problem details (``application/problem+json``)."""

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import exception_handler as drf_exception_handler

TITLES = {
    400: "The request cannot be accepted as it is",
    401: "Who are you?",
    403: "You may not do this",
    404: "There is no such thing here",
    405: "This cannot be done to this resource",
    409: "The state of the resource does not allow this",
    413: "This is too large",
    415: "Send JSON",
    422: "The request contradicts an earlier one",
    429: "Too many requests",
    503: "Not available right now",
}


class Conflict(exceptions.APIException):
    """The state of the resource does not allow the request (409)."""

    status_code = 409
    default_detail = TITLES[409]
    default_code = "conflict"


class TooLarge(exceptions.APIException):
    """The body has more bytes than are read (413)."""

    status_code = 413
    default_detail = TITLES[413]
    default_code = "too_large"


class IdempotencyKeyReused(exceptions.APIException):
    """The same Idempotency-Key came with another request before (422)."""

    status_code = 422
    default_detail = "This Idempotency-Key was used for a different request: choose a new one."
    default_code = "idempotency_key_reused"


def exception_handler(exc: Exception, context: dict[str, Any]) -> Response | None:
    """Render what DRF knows how to answer as problem details; let the rest become a 500."""
    if isinstance(exc, Http404):
        exc = exceptions.NotFound()
    elif isinstance(exc, PermissionDenied):
        exc = exceptions.PermissionDenied()
    elif isinstance(exc, RequestDataTooBig):
        most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        exc = TooLarge(f"The body has more than {most:,} bytes: send less at once.")
    response = drf_exception_handler(exc, context)
    if response is None or not isinstance(exc, exceptions.APIException):
        return response
    problem: dict[str, Any] = {
        "type": "about:blank",
        "title": TITLES.get(response.status_code, "The request failed"),
        "status": response.status_code,
        "instance": context["request"].path,
    }
    if isinstance(exc, exceptions.ValidationError):
        problem["errors"] = list(_flatten(exc.get_full_details()))
        problem["detail"] = "; ".join(
            f"{e['field']}: {e['message']}" if e["field"] else e["message"] for e in problem["errors"]
        )
    else:
        problem["detail"] = str(exc.detail)
        problem["code"] = exc.get_codes()
    response.data = problem
    response.content_type = "application/problem+json"
    return response


def _flatten(details: Any, path: str = "") -> Iterator[dict[str, str]]:
    """Turn DRF's nested errors into a list of field (``lines[0].quantity``), message and code."""
    if isinstance(details, dict) and set(details) == {"message", "code"}:
        yield {"field": path, "message": str(details["message"]), "code": str(details["code"])}
    elif isinstance(details, dict):
        for key, value in details.items():
            if isinstance(key, int):  # the position in a list
                yield from _flatten(value, f"{path}[{key}]")
                continue
            name = "" if key == "non_field_errors" else str(key)
            yield from _flatten(value, f"{path}.{name}" if path and name else path or name)
    else:
        for index, value in enumerate(details):
            leaf = isinstance(value, dict) and set(value) == {"message", "code"}
            yield from _flatten(value, path if leaf else f"{path}[{index}]")
