"""Middleware of the REST API: every error is a problem document, and unknown parameters are refused."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponseRedirect, JsonResponse
from django.http.response import HttpResponseBase

from shop.rest.parameters import known_parameters
from shop.rest.problem_types import problem_details, problem_type
from shop.rest.problems import MEDIA_TYPE

GetResponse = Callable[[HttpRequest], HttpResponseBase]

PREFIX = "/api/v1/"
#: Paths whose clients are programs: the API, and the webhooks of providers.
_PROGRAMS = (PREFIX, "/providers/")
#: Details of errors that no view has answered, by status; else the remedy of their type.
_DETAILS = {404: "There is nothing at this address.", 500: "The fault is ours. It is logged."}


class ApiErrors:
    """Outermost middleware: turns HTML error pages for programs into problem documents."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Replace the body of an error, and keep its status and headers."""
        response = self.get_response(request)
        is_error = response.status_code >= 400 and request.path_info.startswith(_PROGRAMS)
        if is_error and response.headers.get("Content-Type") != MEDIA_TYPE:
            _replace_body(response, request)
        return response


def _replace_body(response: Any, request: HttpRequest) -> None:
    kind = problem_type(response.status_code)
    detail = _DETAILS.get(response.status_code, kind.remedy)
    problem = problem_details(response.status_code, instance=request.path, code=kind.code, detail=detail)
    response.content = JsonResponse(problem).content
    response.headers["Content-Type"] = MEDIA_TYPE
    response.headers.pop("Content-Length", None)


class QueryParameters:
    """Middleware that refuses query parameters which a view of the API does not know, or without a value.

    A misspelt filter would otherwise be ignored, and the answer be taken for a filtered one.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Pass the request on."""
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Any, args: Any, kwargs: Any
    ) -> HttpResponseBase | None:
        """Refuse unknown parameters before the view is called."""
        if not request.META.get("QUERY_STRING") or not request.path_info.startswith(PREFIX):
            return None
        known = known_parameters(view, request.method or "")
        if known is None:
            return None
        errors = [*_unknown(request, known), *_empty(request, known)]
        if errors and all(error["code"] == "blank" for error in errors) and _is_form(request):
            return HttpResponseRedirect(f"{request.path}?{_without_empty(request)}")
        return _refusal(request, errors) if errors else None


def _unknown(request: HttpRequest, known: frozenset[str]) -> list[dict[str, str]]:
    names = ", ".join(sorted(known)) or "none"
    remedy = f"Unknown parameter: remove it. Known are {names}."
    return [
        {"field": name, "message": remedy, "code": "unknown_parameter"}
        for name in sorted(request.GET.keys() - known)
    ]


def _empty(request: HttpRequest, known: frozenset[str]) -> list[dict[str, str]]:
    """Return errors of parameters without a value: they would be ignored like unknown ones."""
    return [
        {"field": name, "message": "Give a value, or leave the parameter out.", "code": "blank"}
        for name in sorted(request.GET.keys() & known)
        if not all(value.strip() for value in request.GET.getlist(name))
    ]


def _is_form(request: HttpRequest) -> bool:
    """Return whether a browser sends a form of filters, which names those left empty, too."""
    return request.method == "GET" and "text/html" in request.headers.get("Accept", "")


def _without_empty(request: HttpRequest) -> str:
    given = ((name, value) for name, values in request.GET.lists() for value in values)
    return urlencode([(name, value) for name, value in given if value.strip()])


def _refusal(request: HttpRequest, errors: list[dict[str, str]]) -> JsonResponse:
    detail = "; ".join(f"{error['field']}: {error['message']}" for error in errors)
    problem = problem_details(400, instance=request.path, code="invalid", detail=detail, errors=errors)
    return JsonResponse(problem, status=400, content_type=MEDIA_TYPE)
