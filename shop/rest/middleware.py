"""Middleware of the REST API: every error is a problem document, and unknown parameters are refused."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, JsonResponse
from django.http.response import HttpResponseBase

from shop.rest.parameters import known_parameters
from shop.rest.problem_types import problem_details, problem_type
from shop.rest.problems import MEDIA_TYPE

GetResponse = Callable[[HttpRequest], HttpResponseBase]

PREFIX = "/api/v1/"
#: Details of errors that no view has answered, by status; else the remedy of their type.
_DETAILS = {404: "There is nothing at this address.", 500: "The fault is ours. It is logged."}


class ApiErrors:
    """Outermost middleware: turns HTML error pages below ``/api/v1/`` into problem documents."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Replace the body of an error, and keep its status and headers."""
        response = self.get_response(request)
        is_error = response.status_code >= 400 and request.path_info.startswith(PREFIX)
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
    """Middleware that refuses query parameters which a view of the API does not know.

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
        if known is None or not (unknown := sorted(request.GET.keys() - known)):
            return None
        remedy = f"Unknown parameter: remove it. Known are {', '.join(sorted(known)) or 'none'}."
        errors = [{"field": name, "message": remedy, "code": "unknown_parameter"} for name in unknown]
        detail = "; ".join(f"{error['field']}: {error['message']}" for error in errors)
        problem = problem_details(400, instance=request.path, code="invalid", detail=detail, errors=errors)
        return JsonResponse(problem, status=400, content_type=MEDIA_TYPE)
