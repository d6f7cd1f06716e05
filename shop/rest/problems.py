"""Errors as RFC 9457 problem details (``application/problem+json``)."""

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.http import Http404
from rest_framework import exceptions
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response
from rest_framework.views import exception_handler as drf_exception_handler

from shop.rest.problem_types import problem_type

MEDIA_TYPE = "application/problem+json"


class Conflict(exceptions.APIException):
    """Request that the state of the resource does not allow (409)."""

    status_code = 409
    default_detail = "The state of the resource does not allow this."
    default_code = "conflict"


class TooLarge(exceptions.APIException):
    """Request with a body above the size limit (413)."""

    status_code = 413
    default_detail = "The request body is too large."
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
    members = (
        _validation_members(exc.get_full_details())
        if isinstance(exc, exceptions.ValidationError)
        else {"detail": str(exc.detail), "code": exc.get_codes()}
    )
    response.data = problem_details(response.status_code, instance=context["request"].path, **members)
    response.content_type = MEDIA_TYPE
    # A problem is JSON for browsers, too.
    context["request"].accepted_renderer, context["request"].accepted_media_type = JSONRenderer(), MEDIA_TYPE
    return response


def problem_details(status: int, *, instance: str, **members: Any) -> dict[str, Any]:
    """Return a problem with its common members. Its type links to the page of its code."""
    kind = problem_type(status, members.get("code", ""))
    common = {"type": kind.url, "title": kind.title, "status": status, "instance": instance}
    return {**common, "code": kind.code, **members}


def _validation_members(details: Any) -> dict[str, Any]:
    errors = list(_flatten(details))
    texts = [f"{e['field']}: {e['message']}" if e["field"] else e["message"] for e in errors]
    return {"code": "invalid", "errors": errors, "detail": "; ".join(texts)}


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
