"""Answers to requests that are refused outside of a view: problem details for the API, else plain text."""

import json
import sys
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext
from django.views import defaults

from shop.postgres import timeouts
from shop.rest.problem_types import problem_details


def is_api(path: str) -> bool:
    """Tell whether a path belongs to the REST API or to webhooks: these clients get problem details."""
    return path.startswith(("/api/v1/", "/providers/"))


def refusal(request: HttpRequest, status: int, detail: str, **members: Any) -> HttpResponse:
    """Return an answer with a status, a text that says what to do, and members of a problem document."""
    content_type, text = refusal_text(request.path_info, status, detail, **members)
    headers = {"Cache-Control": "no-store"}
    return HttpResponse(text, status=status, content_type=content_type, headers=headers)


def refusal_text(path: str, status: int, detail: str, **members: Any) -> tuple[str, str]:
    """Return the content type and the text of such an answer."""
    if not is_api(path):
        return "text/plain; charset=utf-8", f"{detail}\n"
    problem = problem_details(status, instance=path, detail=detail, **members)
    return "application/problem+json", json.dumps(problem)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer a suspicious request, such as one with too many fields. A handler of Django's."""
    return refusal(
        request, 400, gettext("The request cannot be read: it is malformed, or has too many fields.")
    )


def server_error(request: HttpRequest, *args: Any) -> HttpResponse:
    """Answer a request whose view has failed. A handler of Django's."""
    if timeouts.timed_out(sys.exc_info()[1]):
        return refusal(request, 503, timeouts.REMEDY, code="timed_out")
    if is_api(request.path_info):
        return refusal(request, 500, gettext("It is our fault, not yours: try again in a moment."))
    return defaults.server_error(request)


def no_page(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    """Answer that there is no such page."""
    raise Http404
