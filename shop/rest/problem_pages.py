"""Pages that explain the API's problems; the ``type`` of a problem document links to one."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from shop.rest.problem_types import FIELD_CODES, PROBLEM_TYPES


@require_safe
def problems(request: HttpRequest) -> HttpResponse:
    """List all problems."""
    return render(request, "rest/problems.html", {"problems": PROBLEM_TYPES.values()})


@require_safe
def problem(request: HttpRequest, code: str) -> HttpResponse:
    """Explain one problem."""
    if code not in PROBLEM_TYPES:
        raise Http404
    field_codes = FIELD_CODES if code == "invalid" else {}
    context = {"problem": PROBLEM_TYPES[code], "field_codes": field_codes}
    return render(request, "rest/problem.html", context)
