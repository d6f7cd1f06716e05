"""Middleware that answers refused requests with a page, and tells clients what remains of a limit."""

import math
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from shop.accounts.limits import Refusal


class RefusalMiddleware:
    """Answer a :class:`Refusal` of a page; REST Framework answers those of its views itself."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Handle the request, and add the fields of its limit."""
        response = self.get_response(request)
        if limit := getattr(request, "rate_limit", None):
            for name, value in limit.headers.items():
                response[name] = value
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Return the page of a refusal."""
        if not isinstance(exception, Refusal):
            return None
        context = {"seconds": exception.wait, "minutes": math.ceil(exception.wait / 60)}
        response = render(request, "refused.html", context, status=exception.status_code)
        response["Retry-After"] = str(exception.wait)
        response["Cache-Control"] = "no-store"
        return response
