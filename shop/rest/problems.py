"""Errors as RFC 9457 problem details (``application/problem+json``)."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.http import Http404
from rest_framework import exceptions
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response
from rest_framework.views import exception_handler as drf_exception_handler

from shop.postgres import timeouts
from shop.rest.problem_types import PROBLEM_TYPES, problem_details

MEDIA_TYPE = "application/problem+json"
#: Number of errors after which validation stops: more help nobody, and cost as much as they are many.
MAX_ERRORS = 50
#: Characters of a field's name and of a message: both may repeat what the client has sent.
_MAX_NAME, _MAX_MESSAGE = 100, 300


class Problem(exceptions.APIException):
    """Error with a code of the catalogue, which knows its status."""

    def __init_subclass__(cls, *, code: str) -> None:
        """Take the status of the code."""
        cls.status_code, cls.default_code = PROBLEM_TYPES[code].status, code


class Conflict(Problem, code="conflict"):
    """Request that the state of the resource does not allow (409)."""

    default_detail = "The state of the resource does not allow this."


class TooLarge(Problem, code="too_large"):
    """Request with a body above the size limit (413)."""

    default_detail = "The request body is too large."


class IdempotencyKeyReused(Problem, code="idempotency_key_reused"):
    """Request with the Idempotency-Key of a different request (422)."""

    default_detail = "This Idempotency-Key was used for a different request: choose a new one."


class IdempotencyKeyInUse(Problem, code="idempotency_key_in_use"):
    """Request whose first attempt, under the same Idempotency-Key, is under way (409)."""

    default_detail = "The first request with this Idempotency-Key is still under way: repeat it later."


class AnswerLost(Problem, code="answer_lost"):
    """Request that succeeded under its Idempotency-Key, and whose answer cannot be read any more (409)."""

    default_detail = "This request has taken effect, but its answer is not readable any more."


class ProviderAway(Problem, code="provider_away"):
    """Request that a provider, such as the carrier, had to answer, and did not (503)."""

    default_detail = "The provider does not answer at the moment: repeat the request later."


class TimedOut(Problem, code="timed_out"):
    """Request with a statement that the database gave up (503)."""

    default_detail = timeouts.REMEDY


def exception_handler(exc: Exception, context: dict[str, Any]) -> Response | None:
    """Render API errors as problem details; return None for other exceptions, which become a 500."""
    if isinstance(exc, Http404):
        exc = exceptions.NotFound()
    elif isinstance(exc, PermissionDenied):
        exc = exceptions.PermissionDenied()
    elif isinstance(exc, RequestDataTooBig):
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        exc = TooLarge(f"The body has more than {limit:,} bytes: send less at once.")
    elif timeouts.timed_out(exc):
        exc = TimedOut()
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


def unknown_names(data: Mapping[Any, Any], known: Iterable[str]) -> list[str]:
    """Return names that are not known, no more than it takes to see that there are too many.

    Half of a surrogate pair, which JSON can express and UTF-8 cannot, is written as an escape.
    """
    names = set(known)
    unknown = (str(name).encode(errors="backslashreplace").decode() for name in data if name not in names)
    return sorted(islice(unknown, MAX_ERRORS + 1))


def _validation_members(details: Any) -> dict[str, Any]:
    """Return the first errors; the last one says how many more were found before validation stopped."""
    found = _flatten(details)
    errors = list(islice(found, MAX_ERRORS))
    if more := sum(1 for _ in found):
        errors.append({"field": "", "message": f"At least {more} more errors.", "code": "too_many_errors"})
    texts = [f"{e['field']}: {e['message']}" if e["field"] else e["message"] for e in errors]
    return {"code": "invalid", "errors": errors, "detail": "; ".join(texts)}


def _flatten(details: Any, path: str = "") -> Iterator[dict[str, str]]:
    """Yield field path (``lines[0].quantity``), message and code of each of DRF's nested errors."""
    if isinstance(details, dict) and set(details) == {"message", "code"}:
        message = _shorten(str(details["message"]), _MAX_MESSAGE)
        yield {"field": path, "message": message, "code": str(details["code"])}
    elif isinstance(details, dict):
        for key, value in details.items():
            if isinstance(key, int):  # position in a list
                yield from _flatten(value, f"{path}[{key}]")
                continue
            name = "" if key == "non_field_errors" else _shorten(str(key), _MAX_NAME)
            yield from _flatten(value, f"{path}.{name}" if path and name else path or name)
    else:
        for index, value in enumerate(details):
            is_leaf = isinstance(value, dict) and set(value) == {"message", "code"}
            yield from _flatten(value, path if is_leaf else f"{path}[{index}]")


def _shorten(text: str, limit: int) -> str:
    """Return a text for people; half of a surrogate pair, as in a refused choice, becomes an escape."""
    text = text.encode(errors="backslashreplace").decode()
    return text if len(text) <= limit else f"{text[:limit]}…"
