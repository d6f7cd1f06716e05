"""Errors as RFC 9457 problem details (``application/problem+json``)."""

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import exception_handler as drf_exception_handler

#: Title of a problem, by HTTP status.
TITLES = {
    400: "The request is not valid",
    401: "Authentication is required",
    403: "Permission denied",
    404: "There is no such resource",
    405: "The resource does not support this method",
    409: "The state of the resource does not allow this",
    413: "The request body is too large",
    415: "The media type is not supported: send JSON",
    422: "The request contradicts an earlier one",
    429: "Too many requests",
    503: "The service is not available at the moment",
}


class Conflict(exceptions.APIException):
    """Request that the state of the resource does not allow (409)."""

    status_code = 409
    default_detail = TITLES[409]
    default_code = "conflict"


class TooLarge(exceptions.APIException):
    """Request with a body above the size limit (413)."""

    status_code = 413
    default_detail = TITLES[413]
    default_code = "too_large"


class IdempotencyKeyReused(exceptions.APIException):
    """Request with the Idempotency-Key of a different request (422)."""

    status_code = 422
    default_detail = "This Idempotency-Key was used for a different request: choose a new one."
    default_code = "idempotency_key_reused"


class IdempotencyKeyInUse(exceptions.APIException):
    """Request whose first attempt, under the same Idempotency-Key, is under way (409)."""

    status_code = 409
    default_detail = "The first request with this Idempotency-Key is still under way: repeat it later."
    default_code = "idempotency_key_in_use"


class AnswerLost(exceptions.APIException):
    """Request that succeeded under its Idempotency-Key, and whose answer cannot be read any more (409)."""

    status_code = 409
    default_detail = "This request has taken effect, but its answer is not readable any more."
    default_code = "answer_lost"


def exception_handler(exc: Exception, context: dict[str, Any]) -> Response | None:
    """Render API errors as problem details; return None for other exceptions, which become a 500."""
    if isinstance(exc, Http404):
        exc = exceptions.NotFound()
    elif isinstance(exc, PermissionDenied):
        exc = exceptions.PermissionDenied()
    elif isinstance(exc, RequestDataTooBig):
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        exc = TooLarge(f"The body has more than {limit:,} bytes: send less at once.")
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
    """Yield field path (``lines[0].quantity``), message and code of each of DRF's nested errors."""
    if isinstance(details, dict) and set(details) == {"message", "code"}:
        yield {"field": path, "message": str(details["message"]), "code": str(details["code"])}
    elif isinstance(details, dict):
        for key, value in details.items():
            if isinstance(key, int):  # position in a list
                yield from _flatten(value, f"{path}[{key}]")
                continue
            name = "" if key == "non_field_errors" else str(key)
            yield from _flatten(value, f"{path}.{name}" if path and name else path or name)
    else:
        for index, value in enumerate(details):
            is_leaf = isinstance(value, dict) and set(value) == {"message", "code"}
            yield from _flatten(value, path if is_leaf else f"{path}[{index}]")
